"""A process that has loaded what every notebook imports, and forks a kernel from itself for each request.

`kernels.py` runs this file by its path, in the sandbox where there is one, so that nothing of the grader is loaded
here: a kernel inherits all its memory. A connection asks for a kernel, by a line of JSON and the submission's files as
a tar; it gets "ready", the kernel's clock now and then, why the kernel was killed if it was, and how it ended. A
connection that closes ends its kernel; this process ends with its standard input, and all kernels with it. What a
connection sends is read in the fork alone: a later kernel inherits this process's memory, and nothing of a submission.
"""

import contextlib
import gc
import importlib
import io
import json
import os
import pkgutil
import random
import select
import signal
import socket
import sys
import tarfile
import threading
import time
import traceback
from collections.abc import Callable

FIRST = (  # tried with IPython 9, ipykernel 7, torch 2.13
    "IPython.core.completerlib",
    "IPython.core.interactiveshell",
    "IPython.core.oinspect",
    "IPython.extensions.storemagic",
    "encodings.idna",
    "ipykernel.ipkernel",
    "ipykernel.kernelapp",
    "matplotlib.backends.backend_agg",  # not matplotlib_inline: it turns to the shell that is there when it loads
    "matplotlib.pyplot",
    "numpy.testing",
    "safetensors.torch",
    "sqlite3",
    "torch",
    "tornado.platform.asyncio",
    "tornado.queues",
    "tqdm",
)
LATER = (  # once a second kernel is wanted: one alone is sooner done when it imports what it needs itself
    "IPython.core.debugger",
    "ipykernel.debugger",
    "torch.nn.utils.rnn",
    "torch.testing",
    "torch.autograd.gradcheck",
    "pandas",
    "scipy.special",
    "torch._dynamo",  # torch loads it, and sympy, at an optimiser's first step
    "sklearn.datasets",
)
HOME = "/home/student"


def load(course: str, ended: Callable[[], bool] = lambda: False) -> None:
    """Import what every kernel needs, the course's `utils` included: a file beside a notebook cannot take its place.

    ended: whether nobody needs it any more; then this process ends.
    """
    gc.disable()  # it would look through all of this again and again: an eighth of the time
    folders = [course, os.path.dirname(__file__)]
    sys.path[:0] = folders
    os.environ["PYDEVD_DISABLE_FILE_VALIDATION"] = "1"  # ipykernel's debugger would write to stderr
    import namespaces  # noqa: F401

    import utils

    for name in (*FIRST, *(f"utils.{module.name}" for module in pkgutil.iter_modules(utils.__path__))):
        load_one(name)
        if ended():
            sys.exit()
    del sys.path[: len(folders)]
    with contextlib.suppress(Exception):  # another version's: what is not done here costs each kernel time
        rehearse()
    share()


def load_one(name: str) -> None:
    """Import a module that kernels will want; one that cannot be imported here costs each kernel time."""
    with contextlib.suppress(ImportError):
        importlib.import_module(name)


def share() -> None:
    """Make what is loaded fit for a fork."""
    if threading.active_count() > 1:  # a fork copies no threads, but the locks that they hold
        raise RuntimeError(f"threads before the fork: {[thread.name for thread in threading.enumerate()]}")
    gc.enable()
    gc.collect()
    gc.freeze()  # the collector would write into every page that a fork shares


def rehearse() -> None:
    """Do once what every kernel does first and slowly: read a cell, show where an error came from, make a figure."""
    from IPython.core.inputtransformer2 import TransformerManager
    from IPython.core.ultratb import AutoFormattedTB
    from matplotlib.figure import Figure

    TransformerManager().transform_cell("def f(x):\n    return x\n")
    formatter = AutoFormattedTB(mode="Context", theme_name="linux")
    try:
        json.loads("")
    except ValueError:
        formatter.structured_traceback(*sys.exc_info())
    Figure(layout="constrained").subplots().plot([0, 1], label="a line")


class ForkServer:
    """Forks a kernel for each connection on a socket, until standard input ends."""

    def __init__(self, address: str, isolated: bool):
        self.address, self.isolated = address, isolated
        self.kernels: dict[int, socket.socket] = {}
        self.events = select.poll()
        self.woken, self.wake = os.pipe()
        for end in (self.woken, self.wake):
            os.set_blocking(end, False)
        signal.set_wakeup_fd(self.wake)
        signal.signal(signal.SIGCHLD, lambda number, frame: None)
        self.listening = socket.socket(socket.AF_UNIX)
        try:
            self.listening.bind(f"{address}.")
        except FileNotFoundError:  # the folder has gone with the run
            sys.exit()
        self.listening.listen()
        os.rename(f"{address}.", address)  # whoever finds it can connect

    def serve(self) -> None:
        """Serve until standard input ends."""
        for source in (0, self.listening, self.woken):
            self.events.register(source, select.POLLIN)
        asked, later = 0, list[str]()
        while True:
            ready = {number for number, _ in self.events.poll(0 if later else None)}
            if later and not ready:
                load_one(later.pop(0))
                if not later:
                    share()
            if 0 in ready:
                for pid in self.kernels:
                    kill(pid)
                return
            for pid, connection in self.kernels.items():
                if connection.fileno() in ready:  # nobody wants the kernel any more
                    self.events.modify(connection, 0)
                    kill(pid)
            if self.woken in ready:
                os.read(self.woken, 4096)
                self.report_ended()
            if self.listening.fileno() in ready:
                connection, _ = self.listening.accept()
                pid = os.fork()
                if not pid:
                    self.leave(connection)
                    start(connection, self.isolated)
                self.kernels[pid] = connection
                self.events.register(connection, select.POLLRDHUP)
                asked += 1
                if asked == 2:
                    later = [*LATER]

    def leave(self, connection: socket.socket) -> None:
        """In a fork: keep nothing of the server's but one connection."""
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        for mine in (self.listening, *self.kernels.values()):
            mine.close()
        os.close(self.woken)
        os.close(self.wake)
        os.setsid()
        null = os.open(os.devnull, os.O_RDWR)
        for number in (0, 1):
            os.dup2(null, number)

    def report_ended(self) -> None:
        """Report to the graders how their kernels ended."""
        while self.kernels:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if not pid:
                return
            with self.kernels.pop(pid) as connection:
                self.events.unregister(connection)
                tell(connection, str(os.waitstatus_to_exitcode(status)))


def start(connection: socket.socket, isolated: bool) -> None:
    """In a fork: read the request, and become the kernel or the process that runs it."""
    try:
        with connection.makefile("rb") as stream:
            request = json.loads(stream.readline())
            files = stream.read(request["size"])
    except BaseException:
        traceback.print_exc()
        os._exit(1)
    (isolate if isolated else become_kernel)(request, files, connection)


def kill(pid: int) -> None:
    """End a fork with all that it has started, as far as that stayed in its group."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)


def tell(connection: socket.socket, word: str) -> None:
    """Send a word if somebody still listens; never wait for one who does not read."""
    with contextlib.suppress(OSError):
        connection.send(f"{word}\n".encode(), socket.MSG_DONTWAIT)


def isolate(request: dict, files: bytes, connection: socket.socket) -> None:
    """In a fork: run the kernel in namespaces of its own, under limits, and end with it and as it did."""
    status = 1
    try:
        import namespaces

        namespaces.die_with_parent()
        namespaces.enter()
        first = os.fork()
        if first:
            connection.close()
            status = os.waitstatus_to_exitcode(os.waitpid(first, 0)[1])
        else:
            status = first_process(namespaces, request, files, connection)
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(status if status >= 0 else 128 - status)


def first_process(namespaces, request: dict, files: bytes, connection: socket.socket) -> int:
    """The first process of a kernel's namespaces: set them up, start the kernel, watch it. Returns its exit code."""
    limits, address = request["limits"], request["connection"]["ip"]
    namespaces.die_with_parent()
    folder = os.path.dirname(address)
    namespaces.own_folders(os.path.dirname(folder), folder, limits["folders"])
    namespaces.own_processes()
    kernel = os.fork()
    if not kernel:
        namespaces.give_up_rights()
        namespaces.limit(limits)
        become_kernel(request, files, connection)
    while not all(os.path.exists(f"{address}-{number}") for number in request["ports"]):
        ended, ended_as = os.waitpid(kernel, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(ended_as)
        time.sleep(0.005)
    namespaces.read_only(folder)  # its sockets stay where the grader looks for them, and it cannot fill the disk
    namespaces.give_up_rights()
    namespaces.untraceable()
    os.dup2(0, 2)  # the instructor may read their own terminal, and no submission's process holds it
    tell(connection, "clock 0")
    tell(connection, "ready")
    bounds = (limits["memory"], limits["seconds"], limits["far"])
    status, why = namespaces.watch(kernel, *bounds, lambda word: tell(connection, word))
    if why:
        tell(connection, why)
    return status


def become_kernel(request: dict, files: bytes, connection: socket.socket) -> None:
    """In a fork: be an IPython kernel over the request's connection, with its files and environment, and then end."""
    status = 1
    try:
        isolated = request["cwd"] is None
        if isolated:
            os.setsid()
        os.environ.clear()
        os.environ.update(request["env"])
        folder = request["cwd"] or os.path.join(HOME, "submission")
        os.makedirs(folder, exist_ok=True)
        os.chdir(folder)
        if isolated:
            with tarfile.open(fileobj=io.BytesIO(files)) as archive:
                archive.extractall(".", filter="data")
            connection_file = os.path.join(HOME, "connection.json")
            with open(connection_file, "w") as file:
                json.dump(request["connection"], file)
            more: list[str] = []
        else:
            connection_file = request["file"]
            more = [f"--IPKernelApp.parent_handle={os.getppid()}"]  # it ends with the server
            tell(connection, "ready")
        os.closerange(3, 4096)
        import matplotlib
        import numpy
        import torch

        random.seed()
        numpy.random.seed()
        torch.seed()
        inline = "module://matplotlib_inline.backend_inline"
        matplotlib.rcParams["backend"] = os.environ.get("MPLBACKEND") or inline
        from ipykernel.kernelapp import IPKernelApp

        os.dup2(0, 2)  # what native code writes belongs to no terminal
        sys.argv = ["ipykernel_launcher", "-f", connection_file, "--HistoryManager.hist_file=:memory:", *more]
        if "COURSE_DRAWS" not in os.environ:  # figures are made, but no picture is drawn of them
            sys.argv.append("--InlineBackend.figure_formats=[]")
        IPKernelApp.launch_instance(sys.argv[1:])
        status = 0
    except SystemExit as leaving:
        status = leaving.code if isinstance(leaving.code, int) else 1
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(status)


if __name__ == "__main__":
    load(sys.argv[2], ended=lambda: bool(select.select([0], [], [], 0)[0]))  # the run needed no kernel, and is over
    ForkServer(sys.argv[1], isolated=sys.argv[3] == "isolated").serve()
