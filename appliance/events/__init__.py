"""Facts that the box tells its subscribers: typed records and the bus that hands them on. No sockets, no XML."""
