"""Kernels that start warm: forked from a process that has torch and the rest loaded, not started from nothing."""

from __future__ import annotations

import atexit
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from functools import cache
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

from jupyter_client.provisioning import KernelProvisionerFactory, LocalProvisioner

from autograder.notebooks import CourseError
from autograder.solutions import ROOT

ENTRY = EntryPoint("course-warm", "autograder.warm:WarmProvisioner", KernelProvisionerFactory.GROUP_NAME)
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")


class Forked:
    """A kernel's process as jupyter_client wants to see one: some of `subprocess.Popen`, over a connection."""

    stdin = stdout = stderr = None

    def __init__(self, pid: int, connection: socket.socket):
        self.pid = pid
        self.returncode: int | None = None
        self._connection = connection

    def poll(self) -> int | None:
        """None while the kernel lives, else its exit code, negative for a signal."""
        return self._receive(0)

    def wait(self) -> int | None:
        """Wait for the kernel's end."""
        return self._receive(None)

    def _receive(self, seconds: float | None) -> int | None:
        if self.returncode is None:
            self._connection.settimeout(seconds)
            try:
                told = self._connection.recv(16)
            except BlockingIOError:
                return None
            except ConnectionError:
                told = b""
            self.returncode = int(told) if told else 1  # nothing is told when the server itself has ended
            self._connection.close()
        return self.returncode

    def send_signal(self, number: int) -> None:
        """Send a signal to the kernel if it lives."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        """Ask the kernel to end."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """End the kernel."""
        self.send_signal(signal.SIGKILL)


@cache
def server() -> str:
    """Start this process's warm server; returns its address. It ends with this process, however that ends."""
    folder = tempfile.mkdtemp(prefix="course-warm-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    address = str(Path(folder) / "socket")
    command = [sys.executable, "-P", str(Path(__file__).with_name("warm_server.py")), address, str(ROOT)]
    running = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=os.environ | ONE_THREAD, text=True
    )
    atexit.register(running.kill)
    assert running.stdout
    if running.stdout.readline() != "ready\n":
        raise CourseError(f"the process that kernels are forked from did not start: {' '.join(command)}")
    return address


def fork(request: dict) -> Forked:
    """A new kernel. Where the server has ended, by lack of memory or by somebody's kill, another one is started."""
    for _ in range(2):
        connection = socket.socket(socket.AF_UNIX)
        try:
            connection.connect(server())
            connection.sendall(json.dumps(request).encode() + b"\n")
            return Forked(int(connection.makefile().readline()), connection)
        except (OSError, ValueError):
            connection.close()
            server.cache_clear()
    raise CourseError("the process that kernels are forked from ended twice while a kernel was being started")


class WarmProvisioner(LocalProvisioner):
    """Starts kernels by asking the warm server for a fork; everything else is as for a local kernel."""

    async def launch_kernel(self, cmd: list[str], **kwargs: Any):
        """Fork a kernel that is given the command's arguments from `-f` on, its folder and its environment."""
        env = dict(kwargs.get("env") or os.environ)
        request = {"argv": cmd[cmd.index("-f") :], "cwd": str(kwargs.get("cwd") or Path.cwd()), "env": env}
        forked = fork(request)
        self.process = forked  # type: ignore[assignment]
        self.pid = self.pgid = forked.pid
        return self.connection_info


def use_warm_kernels() -> None:
    """Have this process's kernels start warm, where a process can be forked."""
    if hasattr(os, "fork") and sys.platform != "darwin":  # macOS's own libraries do not survive one
        factory = KernelProvisionerFactory.instance()
        factory.provisioners[ENTRY.name] = ENTRY
        factory.default_provisioner_name = ENTRY.name
