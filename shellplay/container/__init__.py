"""One container: its live bash, its fences, its files, its network and its jobs."""
