"""What the box remembers: recordings, calls, devices, stations, agents, and the numbers that are never given twice.

One SQLite file, ``data_dir/linetap.db``, through peewee, which never leaves this room: callers see repositories with
verbs of our domain and the facts that the domain speaks of. Writes go through one thread that commits what waits
together, reads through a small pool; the event loop never waits for the disk. A database that is locked, full or
damaged fails the one request with DatabaseError; what a recording has to say waits in ``data_dir/inbox``.

What may live here: tables, migrations, conversions between rows and facts, repositories. What may not: decisions
about calls, files of audio, anything of the wire but the names by which a client may look a record up.
"""
