"""The formats in which a recording can be had, a module each; the table of them is ``appliance.audio.codecs``.

What may live here: how one format is written. What may not: which recording, for whom, and how often at once.
"""
