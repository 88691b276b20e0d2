"""Sound as numbers and as files: G.711, WAV, the table of export formats, levels. No state, no knowledge of calls.

What may live here: conversions between octets and samples, readers and writers of audio files, the export of a
finished recording. What may not: who is recorded, where a recording lies, the spool.
"""
