"""The work: call -> channel -> file -> record. The recorder acts for the core; the writer is a process of its own."""
