"""The root directory of a container: its layers, its mounts and pivot_root(2)."""
