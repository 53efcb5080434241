"""A process's own namespaces, folders and limits, by the kernel's own calls. Standard library alone; Linux alone.

Runs inside the sandbox (sandbox.py), in a process that was forked from the warm server. Run as a program it tries
whether the host lets it.
"""

import ctypes
import os
import resource
import sys
import time

NEW_MOUNT, NEW_UTS, NEW_IPC, NEW_USER, NEW_PID, NEW_NET = 0x20000, 0x4000000, 0x8000000, 0x10000000, 0x20000000, 1 << 30
MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_REMOUNT = 1, 2, 4, 8, 32
MS_BIND, MS_REC, MS_PRIVATE = 4096, 16384, 1 << 18
PRIVATE = ("/tmp", "/home/student", "/dev/shm")  # where a kernel may write
PR_SET_PDEATHSIG, PR_CAPBSET_DROP, PR_SET_NO_NEW_PRIVS, PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL = 1, 24, 38, 47, 4
LAST_CAPABILITY = 40

if sys.platform == "linux":
    libc = ctypes.CDLL(None, use_errno=True)


def call(name: str, *arguments: object) -> None:
    """A function of the C library that returns 0. Raises OSError."""
    if getattr(libc, name)(*arguments):
        number = ctypes.get_errno()
        raise OSError(number, f"{name}: {os.strerror(number)}")


def mount(source: str, target: str, kind: str, flags: int, data: str = "") -> None:
    """mount(2). Raises OSError."""
    texts = [text.encode() or None for text in (source, target, kind)]
    call("mount", *texts, ctypes.c_ulong(flags), data.encode() or None)


def die_with_parent() -> None:
    """Have this process killed when its parent ends."""
    call("prctl", PR_SET_PDEATHSIG, 9, 0, 0, 0)


def enter() -> None:
    """Give this process user, mount, network and other namespaces of its own; its children get a process namespace."""
    user, group = os.getuid(), os.getgid()
    call("unshare", NEW_USER | NEW_MOUNT | NEW_PID | NEW_NET | NEW_IPC | NEW_UTS)
    for file, text in (("setgroups", "deny"), ("uid_map", f"{user} {user} 1"), ("gid_map", f"{group} {group} 1")):
        with open(f"/proc/self/{file}", "w") as opened:
            opened.write(text)
    mount("", "/", "", MS_PRIVATE | MS_REC)


def own_folders(shared: str, own: str, size: int) -> None:
    """Empty folders in memory, `size` bytes each, and of the folder `shared` nothing but `own`, a folder in it.

    What the sandbox shows inside of the places that are emptied, such as an environment under /tmp, stays.
    """
    within = [place for place in mounted() if place != shared and place.startswith(tuple(f"{top}/" for top in PRIVATE))]
    held = {place: os.open(place, os.O_PATH) for place in [*within, own]}
    for place in PRIVATE:
        mount("tmpfs", place, "tmpfs", MS_NOSUID | MS_NODEV, f"size={size},mode=700")
    os.makedirs(shared, exist_ok=True)
    mount("tmpfs", shared, "tmpfs", MS_NOSUID | MS_NODEV, "size=4096,mode=700")
    for place, number in held.items():
        os.makedirs(os.path.dirname(place), exist_ok=True)
        if os.path.isdir(f"/proc/self/fd/{number}"):
            os.makedirs(place, exist_ok=True)
        elif not os.path.exists(place):
            os.mknod(place)
        mount(f"/proc/self/fd/{number}", place, "", MS_BIND)
        os.close(number)


def mounted() -> list[str]:
    """Where something is mounted, what is mounted on first before what is mounted in it."""
    with open("/proc/self/mountinfo") as file:
        places = [line.split(" ")[4] for line in file]
    return [place.encode().decode("unicode_escape").encode("latin-1").decode() for place in dict.fromkeys(places)]


def own_processes() -> None:
    """A /proc that shows this namespace's processes alone; to be called by its first process."""
    mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC)


def read_only(folder: str) -> None:
    """Let nothing in a mounted folder be changed any more."""
    mount("", folder, "", MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID | MS_NODEV)


def limit(limits: dict) -> None:
    """Limits of this process and of those that it starts."""
    bounds = {
        "DATA": limits["memory"],
        "FSIZE": limits["file"],
        "NPROC": limits["processes"],
        "NOFILE": 1024,
        "CORE": 0,
    }
    for name, value in bounds.items():
        number = getattr(resource, f"RLIMIT_{name}")
        hard = resource.getrlimit(number)[1]
        value = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(number, (value, value))


def give_up_rights() -> None:
    """No capabilities from here on, no way to gain any, and no namespaces of its own."""
    with open("/proc/sys/user/max_user_namespaces", "w") as file:
        file.write("0")
    for number in range(LAST_CAPABILITY + 1):
        libc.prctl(PR_CAPBSET_DROP, number, 0, 0, 0)
    libc.prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0)
    call("prctl", PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    header, none = (ctypes.c_uint32 * 2)(0x20080522, 0), (ctypes.c_uint32 * 6)()
    call("capset", header, none)


def memory_used() -> int:
    """Bytes that all processes of this namespace and its folders in memory hold; what they share counts for each."""
    page, total = os.sysconf("SC_PAGE_SIZE"), 0
    for name in os.listdir("/proc"):
        if name.isdigit() and name != "1":
            try:
                with open(f"/proc/{name}/statm") as file:
                    _, resident, shared, *_ = map(int, file.read().split())
            except OSError:  # it has just ended
                continue
            total += (resident - shared) * page
    for place in PRIVATE:
        found = os.statvfs(place)
        total += (found.f_blocks - found.f_bfree) * found.f_frsize
    return total


def watch(child: int, memory: int, seconds: float) -> tuple[int, str]:
    """As a namespace's first process: bury the dead until `child` ends, by itself or by its limits.

    Returns its exit code and, if it was killed for it, what there was too much of: "memory" or "time".
    """
    until, why = time.monotonic() + seconds, ""
    while True:
        ended, status = os.waitpid(-1, os.WNOHANG)
        if ended == child:
            return os.waitstatus_to_exitcode(status), why
        if ended:
            continue
        why = why or ("time" if time.monotonic() > until else "memory" if memory_used() > memory else "")
        if why:
            os.kill(child, 9)
        time.sleep(0.05)


if __name__ == "__main__":
    enter()
    if os.fork() == 0:
        own_processes()
        mount("tmpfs", "/tmp", "tmpfs", MS_NOSUID | MS_NODEV, "size=4096")
        give_up_rights()
        os._exit(0)
    sys.exit(os.waitstatus_to_exitcode(os.wait()[1]))
