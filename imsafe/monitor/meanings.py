# SPDX-License-Identifier: GPL-3.0-or-later
"""What system calls are for, in a few words: those that tell most of an intrusion, first."""

from __future__ import annotations

_MEANINGS = {
    "starts a program": "execve execveat",
    "starts a process": "fork vfork",
    "starts a process or thread": "clone clone3",
    "looks into another process": "ptrace process_vm_readv process_vm_writev",
    "makes memory readable, writable or executable": "mprotect pkey_mprotect",
    "makes a file in memory only": "memfd_create memfd_secret",
    "opens a socket": "socket",
    "makes a pair of sockets": "socketpair",
    "connects to another": "connect",
    "waits for connections": "listen",
    "takes an address for itself": "bind",
    "changes its working folder": "chdir fchdir",
    "changes its root folder": "chroot pivot_root",
    "changes what is mounted": "mount umount2 move_mount fsmount open_tree",
    "enters other namespaces": "unshare setns",
    "changes its user or rights": "setuid setreuid setresuid setfsuid capset",
    "changes its groups": "setgid setregid setresgid setfsgid setgroups",
    "opens a file": "open openat openat2 creat",
    "lists a folder": "getdents getdents64",
    "deletes a file": "unlink unlinkat",
    "deletes a folder": "rmdir",
    "makes a folder": "mkdir mkdirat",
    "renames a file": "rename renameat renameat2",
    "links a file": "link linkat symlink symlinkat",
    "changes a file's rights": "chmod fchmod fchmodat fchmodat2",
    "changes a file's owner": "chown fchown lchown fchownat",
    "cuts a file": "truncate ftruncate",
    "writes a file to the disk": "fsync fdatasync sync_file_range",
    "copies between files": "sendfile copy_file_range splice",
    "maps a file or memory": "mmap",
    "makes a pipe": "pipe pipe2",
    "redirects input or output": "dup dup2 dup3",
    "sends a signal": "kill tkill tgkill pidfd_send_signal rt_sigqueueinfo",
    "waits for a child": "wait4 waitid",
    "loads a kernel module": "init_module finit_module",
    "removes a kernel module": "delete_module",
    "loads a program into the kernel": "bpf",
    "measures the machine": "perf_event_open",
    "uses the kernel's keys": "keyctl add_key request_key",
    "asks for an io_uring": "io_uring_setup",
    "begins a session of its own": "setsid",
    "asks who it is": "getuid geteuid getgid getegid getgroups",
    "asks for the system's name": "uname",
    "asks for its working folder": "getcwd",
    "changes the host's name": "sethostname setdomainname",
    "sets the clock": "settimeofday clock_settime adjtimex clock_adjtime",
    "changes a file's attributes": "setxattr lsetxattr fsetxattr removexattr",
    "changes what it may use": "setrlimit prlimit64",
    "changes how it is treated": "prctl personality seccomp",
    "restarts the machine": "reboot kexec_load kexec_file_load",
}

_BY_CALL = {call: words for words, calls in _MEANINGS.items() for call in calls.split()}
_RANK = {call: rank for rank, call in enumerate(_BY_CALL)}


def meaning(call: str) -> str:
    """What a call is for; empty where that is not listed."""
    return _BY_CALL.get(call.partition("@")[0], "")


def telling(call: str) -> int:
    """A number by which the calls that tell most come first."""
    return _RANK.get(call.partition("@")[0], len(_RANK))
