"""The writer: a process of its own that turns the memory spool into finished files.

It tails every claimed session, holds the audio back, silences blackouts, merges the legs, encodes, appends to a
``.part`` beside the final file, forces it to disk, and gives the memory behind it back. Its position is the length of
the ``.part``, so it may be killed at any moment and goes on where it was.

Modules, from the pure to the doing: :mod:`timeline` (where each frame belongs), :mod:`leg` (one leg's audio),
:mod:`part` (the growing file), :mod:`take` (one recording), :mod:`finish` (from the whole ``.part`` to the final
name), :mod:`orphans` (a ``.part`` whose spool was lost), :mod:`engine` (all of it, a turn at a time),
``__main__`` (the process).

Files: ``<final>.part`` and ``<final>.part.json`` while it grows, ``data_dir/open/<record_id>`` pointing to the latter,
then ``<final>``, ``<final>.json`` (the sidecar) and ``data_dir/inbox/<record_id>.json`` (the note for the store).
"""
