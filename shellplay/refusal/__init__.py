"""Find the system call that was refused, and prove which fences refused it."""
