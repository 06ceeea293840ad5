"""The file tree of a root fence."""

# The file systems of the kernel, see proc(5), sysfs(5) and devpts(4).
KERNELS = ("/proc", "/sys", "/dev")


def is_of_kernel(path: str) -> bool:
    """Return whether a path is in a file system of the kernel."""
    return f"{path}/".startswith(tuple(f"{each}/" for each in KERNELS))
