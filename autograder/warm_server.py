"""A process that has loaded what every notebook imports, and forks a kernel from itself for each request.

`warm.py` runs this file by its path, so that nothing of the grader is loaded here: a kernel inherits all its memory. It
reads one JSON object per connection, {"argv", "cwd", "env"}, and answers with the kernel's process id and, when the
kernel has ended, with its exit code. It ends with its standard input, and its kernels with it.
"""

import contextlib
import gc
import importlib
import json
import os
import pkgutil
import random
import select
import signal
import socket
import sys
import threading
import traceback

LOADED = (
    "IPython.core.interactiveshell",
    "ipykernel.ipkernel",
    "ipykernel.kernelapp",
    "matplotlib.pyplot",
    "numpy.testing",
    "pandas",
    "safetensors.torch",
    "scipy.special",
    "sklearn.datasets",
    "torch.nn.utils.rnn",
    "torch.testing",
    "tqdm",
)


def load(course: str) -> None:
    """Import what notebooks import, the course's `utils` included: a file beside a notebook cannot take its place."""
    sys.path.insert(0, course)
    import utils

    for name in (*LOADED, *(f"utils.{found.name}" for found in pkgutil.iter_modules(utils.__path__))):
        importlib.import_module(name)
    sys.path.remove(course)
    if threading.active_count() > 1:  # a fork copies no threads, but the locks that they hold
        raise RuntimeError(f"threads before the fork: {[thread.name for thread in threading.enumerate()]}")
    gc.collect()
    gc.freeze()  # the collector would write into every page that a fork shares


def serve(address: str) -> None:
    """Fork a kernel for each request on a socket, until standard input ends."""
    kernels: dict[int, socket.socket] = {}
    woken, wake = os.pipe()
    for end in (woken, wake):
        os.set_blocking(end, False)
    signal.set_wakeup_fd(wake)
    signal.signal(signal.SIGCHLD, lambda number, frame: None)
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(address)
        listening.listen()
        print("ready", flush=True)
        while True:
            readable, _, _ = select.select([0, listening.fileno(), woken], [], [])
            if 0 in readable:
                os.unlink(address)
                os.rmdir(os.path.dirname(address))
                return
            if woken in readable:
                os.read(woken, 4096)
                report_ended(kernels)
            if listening.fileno() in readable:
                connection, _ = listening.accept()
                request = json.loads(connection.makefile().readline())
                pid = os.fork()
                if not pid:
                    signal.set_wakeup_fd(-1)
                    for mine in (listening, connection, *kernels.values()):
                        mine.close()
                    os.close(woken)
                    os.close(wake)
                    become_kernel(request)
                kernels[pid] = connection
                tell(connection, pid)


def report_ended(kernels: dict[int, socket.socket]) -> None:
    """Tell the graders of kernels that have ended how they did."""
    while kernels:
        pid, status = os.waitpid(-1, os.WNOHANG)
        if not pid:
            return
        with kernels.pop(pid) as connection:
            tell(connection, os.waitstatus_to_exitcode(status))


def tell(connection: socket.socket, number: int) -> None:
    """Send a number, if there is still somebody who wants it."""
    with contextlib.suppress(OSError):
        connection.sendall(b"%d\n" % number)


def become_kernel(request: dict) -> None:
    """Be an IPython kernel with the request's arguments, folder and environment, and then end."""
    status = 1
    try:
        os.setsid()
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.chdir(request["cwd"])
        os.environ.clear()
        os.environ.update(request["env"])
        import matplotlib
        import numpy
        import torch

        random.seed()
        numpy.random.seed()
        torch.seed()
        inline = "module://matplotlib_inline.backend_inline"
        matplotlib.rcParams["backend"] = os.environ.get("MPLBACKEND") or inline
        from ipykernel.kernelapp import IPKernelApp

        ends_with = f"--IPKernelApp.parent_handle={os.getppid()}"  # with this server, which ends with the grader
        sys.argv = ["ipykernel_launcher", *request["argv"], ends_with]
        IPKernelApp.launch_instance(sys.argv[1:])
        status = 0
    except SystemExit as leaving:
        status = leaving.code if isinstance(leaving.code, int) else 1
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(status)


if __name__ == "__main__":
    load(sys.argv[2])
    serve(sys.argv[1])
