"""The tree of files that a root fence makes."""

# What the kernel shows as files.
KERNELS = ("/proc", "/sys", "/dev")


def is_of_kernel(path: str) -> bool:
    """Tell whether a path is one of what the kernel shows as files."""
    return f"{path}/".startswith(tuple(f"{each}/" for each in KERNELS))
