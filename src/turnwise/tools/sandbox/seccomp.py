"""A system-call filter for sandboxed code, assembled as classic BPF for `bwrap --seccomp`.

Namespaces are the wall; this closes the windows in it. Refused are calls that only matter to an attack on the
kernel (new namespaces, mounts, ptrace, bpf, io_uring, key rings, modules), socket families that a network
namespace does not contain (vsock reaches a virtual machine's host), and memory that no limit counts (memfd,
System V shared memory and queues). Numbers are from the kernel's `asm/unistd_64.h` and
`asm-generic/unistd.h`; the layout of `struct seccomp_data` from `linux/seccomp.h`.
"""

from __future__ import annotations

import errno
import platform
import struct

_ARCHITECTURES = {"x86_64": (0xC000003E, 0), "aarch64": (0xC00000B7, 1)}
"""machine: (AUDIT_ARCH constant, column in the tables below)."""

_DENIED = {
    "ptrace": (101, 117),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "pidfd_getfd": (438, 438),
    "kcmp": (312, 272),
    "perf_event_open": (298, 241),
    "bpf": (321, 280),
    "userfaultfd": (323, 282),
    "add_key": (248, 217),
    "request_key": (249, 218),
    "keyctl": (250, 219),
    "mount": (165, 40),
    "umount2": (166, 39),
    "pivot_root": (155, 41),
    "chroot": (161, 51),
    "open_tree": (428, 428),
    "move_mount": (429, 429),
    "fsopen": (430, 430),
    "fsconfig": (431, 431),
    "fsmount": (432, 432),
    "fspick": (433, 433),
    "mount_setattr": (442, 442),
    "setns": (308, 268),
    "unshare": (272, 97),
    "io_uring_setup": (425, 425),
    "io_uring_enter": (426, 426),
    "io_uring_register": (427, 427),
    "kexec_load": (246, 104),
    "kexec_file_load": (320, 294),
    "init_module": (175, 105),
    "finit_module": (313, 273),
    "delete_module": (176, 106),
    "reboot": (169, 142),
    "swapon": (167, 224),
    "swapoff": (168, 225),
    "acct": (163, 89),
    "quotactl": (179, 60),
    "quotactl_fd": (443, 443),
    "memfd_create": (319, 279),
    "memfd_secret": (447, 447),
    "shmget": (29, 194),
    "msgget": (68, 186),
    "semget": (64, 190),
    "mq_open": (240, 180),
    "name_to_handle_at": (303, 264),
    "open_by_handle_at": (304, 265),
}
_CLONE = (56, 220)
_CLONE3 = (435, 435)
_SOCKET = (41, 198)

_NAMESPACE_FLAGS = 0x7E020000  # CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET
_FAMILIES = (1, 2, 10)  # AF_UNIX, AF_INET, AF_INET6: all three are inside the network namespace
_X32 = 0x40000000  # system calls of the x32 ABI, which would pass by under other numbers

_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_NUMBER, _ARCH, _FIRST_ARGUMENT = 0, 4, 16  # offsets in struct seccomp_data; low word first
_ALLOW = 0x7FFF0000
_ERRNO = 0x00050000


def supported() -> bool:
    """Whether there is a filter for this machine's architecture."""
    return platform.machine() in _ARCHITECTURES


def program(machine: str | None = None) -> bytes:
    """The filter for `machine` (default: this one) as an array of `struct sock_filter`.

    Raises:
        KeyError: for an architecture without tables; see `supported`.
    """
    arch, column = _ARCHITECTURES[machine or platform.machine()]
    # Each step is (code, value, label if true, label if false); None goes on with the next step.
    steps: list[tuple[int, int, str | None, str | None]] = [
        (_LOAD, _ARCH, None, None),
        (_EQUAL, arch, None, "deny"),
        (_LOAD, _NUMBER, None, None),
        (_AT_LEAST, _X32, "deny", None),
        (_EQUAL, _CLONE[column], "clone", None),
        (_EQUAL, _SOCKET[column], "socket", None),
        (
            _EQUAL,
            _CLONE3[column],
            "absent",
            None,
        ),  # its flags lie in memory; the C library falls back to clone
        *((_EQUAL, numbers[column], "deny", None) for numbers in _DENIED.values()),
        (_RETURN, _ALLOW, None, None),
    ]
    labels = {"clone": len(steps)}
    steps += [(_LOAD, _FIRST_ARGUMENT, None, None), (_ANY_BIT, _NAMESPACE_FLAGS, "deny", "allow")]
    labels["socket"] = len(steps)
    steps += [
        (_LOAD, _FIRST_ARGUMENT, None, None),
        *((_EQUAL, family, "allow", None) for family in _FAMILIES),
    ]
    labels["deny"] = len(steps)
    steps.append((_RETURN, _ERRNO | errno.EPERM, None, None))
    labels["absent"] = len(steps)
    steps.append((_RETURN, _ERRNO | errno.ENOSYS, None, None))
    labels["allow"] = len(steps)
    steps.append((_RETURN, _ALLOW, None, None))

    def offset(label: str | None, here: int) -> int:
        return 0 if label is None else labels[label] - here - 1

    return b"".join(
        struct.pack("=HBBI", code, offset(true, n), offset(false, n), value)
        for n, (code, value, true, false) in enumerate(steps)
    )
