"""Devices and the calls that go on. No sockets, no files, no database: state in memory and the rules about it."""
