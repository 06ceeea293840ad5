"""The arguments of system calls: which are paths, descriptors, texts and structures.

A letter stands for an argument: ``d`` a directory descriptor of the path behind it, ``p`` a
path, ``s`` another string, ``f`` a descriptor, ``i`` a number, ``n`` an address that no
repetition of the call needs.  A digit is the address of bytes, whose length is the argument of
that number, from 0; ``B`` is the address of a structure of at most 128 bytes.
"""

from __future__ import annotations

SIGNATURES = {
    # opening and looking
    "open": "pii", "openat": "dpii", "openat2": "dp3i", "creat": "pi", "stat": "pn",
    "lstat": "pn", "newfstatat": "dpni", "statx": "dpiin", "access": "pi", "faccessat": "dpi",
    "faccessat2": "dpii", "readlink": "pni", "readlinkat": "dpni", "chdir": "p",
    "chroot": "p", "execve": "pnn", "execveat": "dpnni", "statfs": "pn",
    # changing files
    "mkdir": "pi", "mkdirat": "dpi", "mknod": "pii", "mknodat": "dpii", "unlink": "p",
    "unlinkat": "dpi", "rmdir": "p", "rename": "pp", "renameat": "dpdp", "renameat2": "dpdpi",
    "link": "pp", "linkat": "dpdpi", "symlink": "sp", "symlinkat": "sdp", "chmod": "pi",
    "fchmodat": "dpi", "chown": "pii", "lchown": "pii", "fchownat": "dpiii",
    "truncate": "pi", "utimensat": "dpni", "fchown": "fii", "fchmod": "fi",
    # mounting
    "mount": "spsis", "umount2": "pi", "pivot_root": "pp", "open_tree": "dpi", "fsopen": "si",
    "swapon": "pi", "swapoff": "p",
    # names and the machine
    "sethostname": "1i", "setdomainname": "1i", "reboot": "iiin", "settimeofday": "nn",
    "clock_settime": "in", "adjtimex": "n", "clock_adjtime": "in", "syslog": "inn",
    "init_module": "nin", "finit_module": "fsi", "delete_module": "si", "kexec_load": "iini",
    "acct": "p", "iopl": "i", "ioperm": "iii", "quotactl": "ispi",
    # networks
    "socket": "iii", "bind": "f2i", "connect": "f2i", "setsockopt": "fii4i", "ioctl": "fiB",
    # users and privileges
    "setuid": "i", "setgid": "i", "setreuid": "ii", "setregid": "ii", "setresuid": "iii",
    "setresgid": "iii", "setgroups": "in", "capset": "BB", "prctl": "iiiii",
    # processes and namespaces
    "unshare": "i", "setns": "fi", "clone": "innnn", "clone3": "1i", "fork": "", "vfork": "",
    "kill": "ii", "tkill": "ii", "tgkill": "iii", "ptrace": "iinn", "setpriority": "iii",
    "sched_setscheduler": "iiB", "prlimit64": "iiBn", "setrlimit": "in", "mlock": "ii",
    "process_vm_readv": "iniini",
    # rarely allowed
    "bpf": "i2i", "perf_event_open": "Biiii", "userfaultfd": "i", "io_uring_setup": "iB",
    "keyctl": "iiiii", "add_key": "ssnii", "request_key": "sssi", "personality": "i",
    "open_by_handle_at": "fBi", "fanotify_init": "ii", "memfd_secret": "i",
}  # fmt: skip
