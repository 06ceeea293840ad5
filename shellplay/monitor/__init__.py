"""The monitor: the process that is the parent of every bash, its client and their messages."""
