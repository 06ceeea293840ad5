"""Faults on purpose: the n-th system call of a kind fails, by the kernel's own word."""
