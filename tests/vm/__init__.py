"""A second kernel: Debian's 6.1 in qemu, with cgroup v2, Yama, AppArmor and Landlock."""
