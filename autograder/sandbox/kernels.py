"""Kernels that start warm: forked from a process that has torch and the rest loaded, in a sandbox of their own."""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import io
import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import tarfile
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jupyter_client.manager import KernelManager
from jupyter_client.provisioning import LocalProvisioner
from traitlets import Bool, Instance

from autograder.course.errors import CourseError
from autograder.course.paths import ROOT
from autograder.sandbox import bubblewrap
from autograder.sandbox.bubblewrap import ONE_THREAD

PASSED = {
    "COURSE_ROOT",
    "COURSE_PROFILE",
    "COURSE_DRAWS",
    "NBGRADER_EXECUTION",
    "MPLBACKEND",
    *ONE_THREAD,
}  # a kernel sees no more
PATIENCE = 120  # seconds to wait for a kernel's beginning or end
BESIDE = ("server.py", "namespaces.py")  # the only files of the grader in the sandbox


class Forked:
    """A kernel's process as jupyter_client expects it: some of `subprocess.Popen`, over a connection.

    killed_for: "memory" or "time" once the kernel was killed for too much of it.
    clock: seconds on the kernel's own clock (namespaces.watch), as `poll` last heard; None where it has none.
    """

    stdin = stdout = stderr = None
    killed_for = ""
    clock: float | None = None

    def __init__(self, connection: socket.socket):
        self.pid = 0  # unused: inside the sandbox it is another one
        self.returncode: int | None = None
        self._connection, self._received = connection, b""

    def poll(self) -> int | None:
        """None while the kernel lives, else its exit code."""
        return self._receive(0)

    def wait(self) -> int | None:
        """Wait for the kernel's end; None where it does not come in time."""
        return self._receive(PATIENCE)

    def started(self) -> bool:
        """Wait until the kernel is ready; False if it ended before. Raises TimeoutError."""
        self._connection.settimeout(PATIENCE)
        while self.returncode is None:
            word = self._word()
            if word == "ready":
                return True
            self._note(word)
        return False

    def _receive(self, seconds: float) -> int | None:
        try:
            while self.returncode is None:
                self._connection.settimeout(seconds)
                self._note(self._word())
        except (BlockingIOError, TimeoutError):
            return None
        return self.returncode

    def _note(self, word: str) -> None:
        kind, _, value = word.partition(" ")
        if kind == "clock":
            self.clock = float(value)
        elif kind in ("memory", "time"):
            self.killed_for = kind
        else:
            self.returncode = int(word or 1)  # nothing comes when the server itself has ended
            self._connection.close()

    def _word(self) -> str:
        """The next line; empty at the end, and where there is no end to a line."""
        while b"\n" not in self._received:
            try:
                more = self._connection.recv(4096)
            except ConnectionError:
                more = b""
            if not more or len(self._received) > 4096:
                return ""
            self._received += more
        word, _, self._received = self._received.partition(b"\n")
        return word.decode()

    def send_signal(self, number: int) -> None:
        """End the kernel: interrupts go to it as messages, and every other signal means its end."""
        if self.returncode is None:
            with contextlib.suppress(OSError):
                self._connection.shutdown(socket.SHUT_WR)

    def terminate(self) -> None:
        """End the kernel."""
        self.send_signal(15)

    kill = terminate


@dataclass(frozen=True)
class WarmServer:
    """A warm server: the address that it listens at; its process (bubblewrap, around it) where this one started it."""

    address: Path
    process: subprocess.Popen | None = None

    def ask(self, request: dict, files: bytes = b"") -> Forked:
        """A new kernel. Raises OSError or ValueError where the server has ended."""
        connection = socket.socket(socket.AF_UNIX)
        try:
            connection.connect(str(self.address))
            connection.sendall(json.dumps(request | {"size": len(files)}).encode() + b"\n" + files)
            forked = Forked(connection)
            if not forked.started():
                raise ValueError("the kernel ended before it was ready")
            return forked
        except (OSError, ValueError):
            connection.close()
            raise

    def end(self) -> None:
        """End the process and its kernels; one that others use goes on."""
        if self.process is None:
            return
        assert self.process.stdin
        self.process.stdin.close()  # for root, a kill reaches bubblewrap but not the other user's process inside
        try:
            self.process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self.process.kill()


class WarmServers:
    """The warm servers that this process uses, by whether they isolate: its own, or another process's.

    folder: in which this process, its warm servers and their kernels find each other; made at first use.
    """

    def __init__(self) -> None:
        self._servers: dict[bool, WarmServer] = {}
        self._folder: Path | None = None

    def adopt(self, isolated: bool, address: Path) -> None:
        """Use another process's server while it lives; after that, one of its own in the same folder."""
        self._servers[isolated], self._folder = WarmServer(address), address.parent

    def share(self, isolated: bool) -> Path:
        """The address of a server for other processes, started unless one is running."""
        running = self._servers.get(isolated)
        if running is None or running.process is None or running.process.poll() is not None:
            running = self._servers[isolated] = self._start(isolated)
        return running.address

    def ready(self, isolated: bool) -> WarmServer:
        """A server that listens. Raises CourseError where it does not in time."""
        if isolated not in self._servers:
            self._servers[isolated] = self._start(isolated)
        server, until = self._servers[isolated], time.monotonic() + PATIENCE
        while not server.address.exists():
            if time.monotonic() > until or (server.process and server.process.poll() is not None):
                self.end(isolated)
                raise CourseError("the process that forks kernels did not start")
            time.sleep(0.01)
        return server

    def end(self, isolated: bool) -> None:
        """Forget a server, and end it if it is this process's own."""
        self._servers.pop(isolated).end()

    @property
    def folder(self) -> Path:
        if self._folder is None:
            self._folder = Path(tempfile.mkdtemp(prefix="course-warm-"))
            atexit.register(shutil.rmtree, self._folder, ignore_errors=True)
            open_to_kernels(self._folder)
        return self._folder

    def _start(self, isolated: bool) -> WarmServer:
        """A new server. It ends with this process, however that ends."""
        address = self.folder / f"server-{secrets.token_hex(4)}"
        here = [Path(__file__).with_name(name) for name in BESIDE]
        command = [sys.executable, "-P", str(here[0]), str(address), str(ROOT)]
        env = dict(os.environ) | ONE_THREAD
        if isolated:
            env = {}
            outer = bubblewrap.command([*here, ROOT / "utils"], ONE_THREAD, self.folder)
            command = [*outer, *command, "isolated"]
        else:
            command.append("open")
        env |= {"PATH": os.environ["PATH"]}
        # in a session of its own: Ctrl-C is not for it
        running = subprocess.Popen(command, stdin=subprocess.PIPE, env=env, start_new_session=True)
        atexit.register(running.kill)
        return WarmServer(address, running)


SERVERS = WarmServers()  # of this process


def open_to_kernels(folder: Path) -> None:
    """Let kernels write in a folder, whoever they run as."""
    if os.getuid() == 0:
        os.chown(folder, bubblewrap.NOBODY, bubblewrap.NOBODY)


def files_for_kernel(folder: Path) -> bytes:
    """The files of a submission that a kernel sees, as a tar: its regular files, notebooks aside."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for path in sorted(folder.iterdir()):
            if path.is_file() and not path.is_symlink() and path.suffix != ".ipynb":
                archive.add(path, path.name, filter=_anonymous)
    return packed.getvalue()


def _anonymous(entry: tarfile.TarInfo) -> tarfile.TarInfo:
    entry.uid = entry.gid = 0
    entry.uname = entry.gname = ""
    entry.mode = 0o644
    return entry


class WarmProvisioner(LocalProvisioner):
    """Starts kernels by asking a warm server for a fork; everything else is as for a local kernel.

    It is found by its entry point, and chosen for a kernel by `start_warm`.
    """

    isolated = Bool(True)
    limits = Instance(bubblewrap.Limits, ())

    async def pre_launch(self, **kwargs: Any) -> dict[str, Any]:
        """Interrupts go by message: a signal does not reach into a sandbox."""
        assert self.kernel_spec
        assert self.parent
        self.kernel_spec.interrupt_mode = "message"
        folder = Path(tempfile.mkdtemp(dir=SERVERS.folder))  # an isolated kernel sees none but its own
        open_to_kernels(folder)
        self.parent.transport, self.parent.ip = "ipc", str(folder / "k")
        return await super().pre_launch(**kwargs)

    async def launch_kernel(self, cmd: list[str], **kwargs: Any):
        """Fork a kernel that is given the command's connection, its folder and its environment."""
        env = dict(kwargs.get("env") or os.environ)
        folder = Path(kwargs.get("cwd") or Path.cwd())
        request: dict[str, Any] = {"env": env, "cwd": str(folder), "file": cmd[cmd.index("-f") + 1]}
        files = b""
        if self.isolated:
            info: dict[str, Any] = dict(self.connection_info)
            info["key"] = info["key"].decode()
            ports = [value for name, value in info.items() if name.endswith("_port")]
            env = {name: value for name, value in env.items() if name in PASSED}
            request = {"env": bubblewrap.ENVIRONMENT | env, "cwd": None, "connection": info, "ports": ports}
            request["limits"] = self.limits.as_dict()
            files = files_for_kernel(folder)
        self.process = self._fork(request, files)  # type: ignore[assignment]
        self.pid = self.pgid = None
        return self.connection_info

    async def kill(self, restart: bool = False) -> None:
        """End the kernel and see it end; jupyter_client looks for it ten times a second only."""
        await super().kill(restart=restart)
        until = time.monotonic() + 5
        while await self.poll() is None and time.monotonic() < until:
            await asyncio.sleep(0.002)

    def _fork(self, request: dict, files: bytes) -> Forked:
        """A new kernel; where the server has ended, out of memory or killed, from a new server."""
        for _ in range(2):
            try:
                return SERVERS.ready(self.isolated).ask(request, files)
            except (OSError, ValueError):
                SERVERS.end(self.isolated)
        raise CourseError("the process that forks kernels ended twice while starting a kernel")


def possible() -> bool:
    """Whether a process that has loaded everything can be forked here: macOS's own libraries do not survive a fork."""
    return hasattr(os, "fork") and sys.platform != "darwin"


def start_warm(manager: KernelManager, isolated: bool, limits: bubblewrap.Limits | None = None) -> None:
    """Have a manager's kernel start warm, where a process can be forked: in a sandbox within limits, or without one."""
    if possible():
        config = {"isolated": isolated, "limits": limits or bubblewrap.Limits()}
        assert manager.kernel_spec
        manager.kernel_spec.metadata["kernel_provisioner"] = {"provisioner_name": "course-warm", "config": config}
