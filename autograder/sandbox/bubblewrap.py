"""Where students' code runs: bubblewrap around the process that kernels are forked from, and what a host lacks for it.

The outer sandbox has no network, the system and the environment read-only, no rights, and of the course `utils` and the
two files that make the sandbox (kernels.BESIDE) alone.
Inside it the warm server (server.py) gives each kernel namespaces, folders and limits of its own.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path

from autograder.course.paths import ROOT

NOBODY = 65534  # whom kernels run as when the grader is root: limits on processes do not bind root
SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64")
SETTINGS = ("/etc/ld.so.cache", "/etc/alternatives", "/etc/fonts", "/etc/localtime")
ENVIRONMENT = {
    "HOME": "/home/student",
    "USER": "student",
    "LOGNAME": "student",
    "LANG": "C.UTF-8",
    "PATH": "/usr/bin:/bin",
    "PYTHONDONTWRITEBYTECODE": "1",
    "MPLCONFIGDIR": "/tmp/matplotlib",
}
INSTALL = "apt-get install bubblewrap"
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")


@dataclass(frozen=True)
class Limits:
    """What a submission's kernel may use, with all processes that it starts.

    memory: bytes, of each process and of all together. file: bytes of one file. folders: bytes of all files in each of
    its folders (namespaces.PRIVATE). processes: threads count too. seconds: from the kernel's start to its end, on its
    own clock (namespaces.watch); far: on the wall.
    """

    memory: int = 4 << 30
    file: int = 256 << 20
    folders: int = 512 << 20
    processes: int = 64
    seconds: float = 1800
    far: float = 7200

    def as_dict(self) -> dict:
        """Plain values, for the warm server."""
        return asdict(self)


def lacks() -> str | None:
    """What this host lacks for isolation, in words, or None where students' code can be isolated."""
    if sys.platform != "linux":
        return f"students' code cannot be isolated on {sys.platform}: grade on Linux"
    if shutil.which("bwrap") is None:
        return f"bubblewrap is not installed: {INSTALL}"
    return _refused()


@cache
def _refused() -> str | None:
    """Why a namespace inside a namespace cannot be made here, or None."""
    try_out = Path(__file__).with_name("namespaces.py")
    call = [*command([try_out.parent], {}), sys.executable, "-I", "-S", str(try_out)]
    done = subprocess.run(call, capture_output=True, text=True, timeout=60, check=False)
    if done.returncode == 0:
        return None
    message = (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1]
    return (
        f"this host does not allow namespaces inside a sandbox ({message}): "
        "user namespaces may be switched off (kernel.apparmor_restrict_unprivileged_userns, user.max_user_namespaces), "
        "or a container forbids them (docs/container.md)"
    )


def command(folders: Sequence[Path], environment: Mapping[str, str], writable: Path | None = None) -> list[str]:
    """The start of a command line that runs what follows in the sandbox.

    folders: what may be read besides the system and this environment. writable: the one folder that may be written.
    """
    shown = [*_environment(), *folders]
    setup, inside = [], []
    if os.getuid() == 0:  # a first bubblewrap opens to nobody what only root may reach, and hands over to a second
        setup = ["bwrap", "--dev-bind", "/", "/", "--tmpfs", "/mnt"]
    places: dict[Path, Path] = {}
    for number, path in enumerate([*shown, *([writable] if writable else [])]):
        places[path] = Path(f"/mnt/{number}") if setup else path
        if setup:
            setup += ["--bind" if path == writable else "--ro-bind", str(path), str(places[path])]
    if setup:
        setup += ["--cap-drop", "ALL", "--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID", "--die-with-parent"]
        setup += ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]
    for path in sorted(shown):
        inside += ["--ro-bind", str(places[path]), str(path)]
        if path in ROOT.parents or path == ROOT:  # an environment that holds the course: the course stays hidden
            inside += ["--tmpfs", str(ROOT)]
    if writable:
        inside += ["--bind", str(places[writable]), str(writable)]
    call = ["bwrap", "--unshare-all", "--unshare-user", "--die-with-parent", "--new-session", "--cap-drop", "ALL"]
    call += ["--hostname", "sandbox", "--clearenv", *_system(), "--proc", "/proc", "--dev", "/dev"]
    for folder in ("/tmp", "/home/student", "/dev/shm"):  # the last for semaphores
        call += ["--size", str(16 << 20), "--tmpfs", folder]
    for name, value in (ENVIRONMENT | dict(environment)).items():
        call += ["--setenv", name, value]
    # /dev lies in memory and is the same for all kernels: what one wrote there the next would read
    return [*setup, *call, *inside, "--chdir", "/", "--remount-ro", "/dev", "--remount-ro", "/"]


def _system() -> Iterator[str]:
    for name in SYSTEM:
        path = Path(name)
        if path.is_symlink():
            yield from ("--symlink", os.readlink(path), name)
        elif path.is_dir():
            yield from ("--ro-bind", name, name)
    for name in SETTINGS:
        yield from ("--ro-bind-try", name, name)


def _environment() -> list[Path]:
    """The folders of this interpreter and of all that it imports, without those that the system's hold."""
    wanted = {Path(sys.prefix), Path(sys.base_prefix), Path(sys.executable).parent.parent}
    wanted |= {Path(os.path.realpath(sys.executable)).parent.parent}
    wanted |= {Path(entry) for entry in sys.path if entry and Path(entry).is_dir() and "packages" in entry}
    system = [Path(name) for name in SYSTEM]
    outermost: list[Path] = []
    for path in sorted(path.absolute() for path in wanted):
        if path != Path("/") and not any(above in (path, *path.parents) for above in [*system, *outermost]):
            outermost.append(path)
    return outermost
