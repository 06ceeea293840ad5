"""System calls and the kernel's files, by the names of their man pages."""
