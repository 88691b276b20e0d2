"""Numbered steps from one set of tables to the next, run in order by ``appliance.store.schema``.

Each file has ``up(migrator, db)``, imports nothing of ours, and is never changed once released.
"""
