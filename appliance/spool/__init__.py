"""The memory spool: the only hand-over between whoever captures and the writer.

Append-only files in ``run_dir`` (memory). Capture never waits. Layout::

    run_dir/spool/workers/<tap>-<k>.<pid>-<n>.lock   flock held by the tap worker while it lives, a file for each life
    run_dir/spool/writer.lock                        flock held by the one writer
    run_dir/spool/<session>/leg0.pcm       mono int16 little-endian, appended by the sink
                            leg0.wav       or written by a library itself: 44 bytes of header, then the same
                            leg1.…
                            capture.jsonl  facts of capture (records.CaptureRecord), appended by the tap worker alone
                            orders.jsonl   orders of the core (records.OrderRecord), appended by the core alone
                            writer.jsonl   the writer's own notes, appended by the writer alone

Each ``.jsonl`` has one author and one JSON object a line, each line appended by one write, so a reader sees whole
lines or an unfinished last one. What a killed process had appended is still there.

Order of writing, on which readers rely: a leg's record comes before its first frame, the record of a loss before the
frames behind it, and ``closed`` after everything. So whoever takes the sizes of the legs first and reads the records
after that knows the place of every frame that he counted.

Here live the folders, the sink, the journals and the reader. What is made of the audio does not.
"""
