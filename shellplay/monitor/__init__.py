"""The monitor: the parent process of every bash, and the end of everything."""
