"""A process's own namespaces, folders and limits, by the kernel's own calls. Standard library alone; Linux alone.

Runs inside the sandbox (bubblewrap.py), in a process that was forked from the warm server. Run as a program it tries
whether the host lets it.
"""

import ctypes
import os
import platform
import resource
import struct
import sys
import time

NEW_MOUNT, NEW_UTS, NEW_IPC, NEW_USER, NEW_PID, NEW_NET = 0x20000, 0x4000000, 0x8000000, 0x10000000, 0x20000000, 1 << 30
MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_REMOUNT = 1, 2, 4, 8, 32
MS_BIND, MS_REC, MS_PRIVATE = 4096, 16384, 1 << 18
PRIVATE = ("/tmp", "/home/student", "/dev/shm")  # where a kernel may write
FILES = 1 << 16  # how many files each of these may hold: an empty one takes memory too, and no limit sees it
# the first two list the keys of whoever grades; a map of the third is memory that no limit sees
HIDDEN = ("/proc/keys", "/proc/key-users", "/dev/zero")
COUNTED = (b"RssAnon:", b"VmSwap:", b"VmPTE:")  # of a process's memory, in /proc/<pid>/status; the rest lies in files
PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_SET_SECCOMP, PR_CAPBSET_DROP, PR_SET_NO_NEW_PRIVS = 1, 4, 22, 24, 38
PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL = 47, 4
SECCOMP_MODE_FILTER, REFUSE, ALLOW = 2, 0x00050000 | 1, 0x7FFF0000  # EPERM for what is refused
LAST_CAPABILITY = 40

# System calls that nothing needs and that reach beyond a submission: kernel keyrings, which outlive a process and are
# shared by all of a user's, and looking into another process; or that take memory which stays when no process shows it:
# without a file in the folders that are counted, shared memory is in no process's account once it is not mapped. By
# machine: its number in a filter, that of mmap, of which one kind is refused, then theirs:
# add_key, request_key, keyctl, ptrace, process_vm_readv, process_vm_writev, kcmp, pidfd_getfd, perf_event_open, bpf,
# userfaultfd, memfd_create, shmget.
REFUSED = {
    "x86_64": (0xC000003E, 9, (248, 249, 250, 101, 310, 311, 312, 438, 298, 321, 323, 319, 29)),
    "aarch64": (0xC00000B7, 222, (217, 218, 219, 117, 270, 271, 272, 438, 241, 280, 282, 279, 194)),
}
MAP_SHARED, MAP_ANONYMOUS = 0x01, 0x20
OTHER_NUMBERS = 0x40000000  # x86_64's second table of calls begins there

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


def own_folders(shared: str, kept: str, size: int) -> None:
    """Empty folders in memory, `size` bytes each, terminals, and of the folder `shared` only `kept`, a folder in it.

    What the sandbox shows inside of the places that are emptied, such as an environment under /tmp, stays.
    """
    within = [path for path in mounted() if path != shared and path.startswith(tuple(f"{top}/" for top in PRIVATE))]
    held = {path: os.open(path, os.O_PATH) for path in [*within, kept]}
    for path in PRIVATE:
        mount("tmpfs", path, "tmpfs", MS_NOSUID | MS_NODEV, f"size={size},nr_inodes={FILES},mode=700")
    mount("devpts", "/dev/pts", "devpts", MS_NOSUID | MS_NOEXEC, "newinstance,ptmxmode=0666,mode=620")
    os.makedirs(shared, exist_ok=True)
    mount("tmpfs", shared, "tmpfs", MS_NOSUID | MS_NODEV, "size=4096,mode=700")
    for path, number in held.items():
        os.makedirs(os.path.dirname(path), exist_ok=True)
        if os.path.isdir(f"/proc/self/fd/{number}"):
            os.makedirs(path, exist_ok=True)
        elif not os.path.exists(path):
            os.mknod(path)
        mount(f"/proc/self/fd/{number}", path, "", MS_BIND)
        os.close(number)


def mounted() -> list[str]:
    """Mount points, outer ones before those inside them."""
    with open("/proc/self/mountinfo") as file:
        paths = [line.split(" ")[4] for line in file]
    return [path.encode().decode("unicode_escape").encode("latin-1").decode() for path in dict.fromkeys(paths)]


def own_processes() -> None:
    """A /proc that shows this namespace's processes alone, and nothing HIDDEN; to be called by its first process."""
    mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC)
    for path in HIDDEN:
        if os.path.exists(path):
            mount("/dev/null", path, "", MS_BIND)


def untraceable() -> None:
    """Let no other process look into this one: its memory, its open files, its environment."""
    call("prctl", PR_SET_DUMPABLE, 0, 0, 0, 0)


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
    refuse_calls()
    header, none = (ctypes.c_uint32 * 2)(0x20080522, 0), (ctypes.c_uint32 * 6)()
    call("capset", header, none)


def refuse_calls() -> None:
    """Have the system calls in REFUSED fail, and maps of shared memory without a file.

    For this process and all that it starts. Raises OSError.
    """
    if platform.machine() not in REFUSED:
        return
    machine, mmap, calls = REFUSED[platform.machine()]
    # BPF: load a word, three tests of it (each with how many lines are left out if so, and if not), return
    load, equal, at_least, any_bit, answer = 0x20, 0x15, 0x35, 0x45, 0x06
    shared = [(equal, 0, 3, mmap), (load, 0, 0, 40), (any_bit, 0, 1, MAP_ANONYMOUS), (any_bit, 1, 0, MAP_SHARED)]
    tests = [(equal, number) for number in calls] + [(at_least, OTHER_NUMBERS)]
    after = len(tests) + len(shared)
    program = [(load, 0, 0, 4), (equal, 0, after + 2, machine), (load, 0, 0, 0)]  # other machines' calls: refused
    program += [(kind, after - position, 0, number) for position, (kind, number) in enumerate(tests)]
    program += [*shared, (answer, 0, 0, ALLOW), (answer, 0, 0, REFUSE)]
    code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *line) for line in program))
    filter_program = ctypes.create_string_buffer(struct.pack("HxxxxxxP", len(program), ctypes.addressof(code)))
    call("prctl", PR_SET_SECCOMP, SECCOMP_MODE_FILTER, ctypes.c_void_p(ctypes.addressof(filter_program)), 0, 0)


def used() -> tuple[int, float]:
    """Bytes of memory and CPU seconds of all processes of this namespace but its first.

    Memory is each process's own, of which what forks share counts for each, its page tables, and the files in PRIVATE.
    The seconds of those that have ended are in their parents' account, at last in the first process's.
    """
    memory = ticks = 0
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            if name == "1":
                ticks += sum(map(int, _stat(name)[13:15]))
                continue
            ticks += sum(map(int, _stat(name)[11:15]))
            with open(f"/proc/{name}/status", "rb") as file:  # lines end at \n alone: its name may hold all else
                memory += 1024 * sum(int(line.split()[1]) for line in file if line.startswith(COUNTED))
        except OSError:  # it has just ended
            continue
    for path in PRIVATE:
        usage = os.statvfs(path)
        memory += (usage.f_blocks - usage.f_bfree) * usage.f_frsize
    return memory, ticks / os.sysconf("SC_CLK_TCK")


def _stat(task: str) -> list[bytes]:
    """The fields of a process or thread in /proc from its state on; its name, before that, may hold anything."""
    with open(f"/proc/{task}/stat", "rb") as file:
        return file.read().rpartition(b")")[2].split()


def eager() -> bool:
    """Whether a thread of this namespace runs, or waits for a core or a disk, the first process left out."""
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            threads = os.listdir(f"/proc/{name}/task") if name != "1" else ()
            if any(_stat(f"{name}/task/{thread}")[0] in (b"R", b"D") for thread in threads):
                return True
        except OSError:  # it has just ended
            continue
    return False


def watch(child: int, memory: int, seconds: float, far: float, tell) -> tuple[int, str]:
    """As a namespace's first process: bury the dead until `child` ends, by itself or by its limits.

    seconds: on the submission's own clock, which counts the CPU seconds of its processes and the time in which none of
    them wants to run: how busy the machine is with others costs it nothing. far: seconds on the wall. tell: is given
    the clock now and then. Returns the exit code and, if the child was killed for it, what there was too much of:
    "memory" or "time".
    """
    started = before = time.monotonic()
    clock, spent, reported, why = 0.0, used()[1], 0.0, ""
    while True:
        ended, status = os.waitpid(-1, os.WNOHANG)
        if ended == child:
            return os.waitstatus_to_exitcode(status), why
        if ended:
            continue
        now, (held, cpu) = time.monotonic(), used()
        ran, passed = max(cpu - spent, 0.0), now - before
        clock += ran if ran > passed / 5 or eager() else passed
        spent, before = cpu, now
        if clock - reported >= 0.25:
            reported = clock
            tell(f"clock {clock:.2f}")
        if not why:
            why = "memory" if held > memory else "time" if clock > seconds or now - started > far else ""
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
