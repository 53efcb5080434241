"""Start a notebook: seeds, profile, device, warnings to stdout, and one line for what is not written yet.

The set-up cell of every notebook calls `start`. Nothing here is bound to an operating system, to Jupyter or to Colab.
"""

from __future__ import annotations

import ast
import os
import platform
import random
import sys
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from utils.checks import CheckFailed
from utils.corpora import CorpusError
from utils.precision import default_precision

PROFILES = ("quick", "full")
SEED = 20
DRIVE = Path("/content/drive")  # where Colab mounts it
MOST_THREADS = 4  # small models lose time by more: each thread waits for the others in every step
STUB = "not written yet"  # what the stub of an empty solution cell raises


class NotMounted(ValueError):
    """Google Drive is not mounted; the message says how to mount it."""


SENTENCES = (CheckFailed, CorpusError, NotMounted)  # their message is all that helps; a traceback would hide it


@dataclass(frozen=True)
class Session:
    """What a notebook knows of the place it runs in.

    profile: "quick" (minutes on a CPU) or "full" (the published sizes, for a GPU).
    device: where models and data should live: an NVIDIA GPU where there is one, else the CPU. Apple's GPU is not used:
        the course has not been tried on one.
    grading: whether the autograder runs the notebook.
    folder: the notebook's working folder.
    """

    profile: str
    device: torch.device
    grading: bool
    folder: Path

    def runs(self) -> Path:
        """The folder for checkpoints of long runs: `COURSE_RUNS` if it is set, else `runs` beside the notebook.

        Raises NotMounted where `COURSE_RUNS` lies in a Google Drive that is not mounted: what is written there would be
        gone with the session.
        """
        named = os.environ.get("COURSE_RUNS", "") if not self.grading else ""
        place = self.folder / (named or "runs")  # a name without a root counts from the notebook's folder
        if DRIVE in place.parents and not (DRIVE / "MyDrive").is_dir():
            raise NotMounted(
                f"COURSE_RUNS is {place}, but Google Drive is not mounted: run "
                f"`from google.colab import drive; drive.mount('{DRIVE}')` first"
            )
        return place


def start() -> Session:
    """Seed all generators, send warnings to stdout, print versions and device, and return the session.

    The profile is `COURSE_PROFILE` if set, else "full" where there is a GPU, else "quick"; grading is always "quick".
    Small models get at most MOST_THREADS threads, unless OMP_NUM_THREADS says how many.
    Raises ValueError for an unknown COURSE_PROFILE or COURSE_PRECISION.
    """
    grading = "NBGRADER_EXECUTION" in os.environ
    gpu = torch.cuda.is_available()
    profile = os.environ.get("COURSE_PROFILE") or ("full" if gpu else "quick")
    if profile not in PROFILES:
        raise ValueError(f"COURSE_PROFILE must be one of {', '.join(PROFILES)}, got {profile!r}")
    profile = "quick" if grading else profile
    device = torch.device("cuda" if gpu and not grading else "cpu")
    random.seed(SEED)
    np.random.seed(SEED)
    torch.manual_seed(SEED)
    torch.set_flush_denormal(True)
    warnings.showwarning = _show_warning
    _install_handler()
    if torch.get_num_threads() > MOST_THREADS and "OMP_NUM_THREADS" not in os.environ:
        torch.set_num_threads(MOST_THREADS)
    threads = torch.get_num_threads()
    cpu = f"CPU, {threads} thread{'s' if threads > 1 else ''}"
    precision = f", precision {default_precision(device)} (COURSE_PRECISION changes it)"
    name = torch.cuda.get_device_name() + precision if device.type == "cuda" else cpu
    print(
        f"Python {platform.python_version()}, torch {torch.__version__}, numpy {np.__version__}\n"
        f"{name}; profile {profile} (COURSE_PROFILE=quick or full changes it)"
    )
    return Session(profile, device, grading, Path.cwd())


def _show_warning(message, category, filename, lineno, file=None, line=None) -> None:
    """Warnings in one line on stdout: under nbgrader, whatever a graded cell writes to stderr costs its points."""
    print(f"{category.__name__}: {message}", file=file or sys.stdout)


def _install_handler() -> None:
    """Where IPython runs the notebook: stubs and errors that say all in their message are one line, no traceback."""
    if "IPython" not in sys.modules:
        return
    from IPython import get_ipython

    shell = get_ipython()
    if shell is not None:
        missing: dict[str, str] = {}  # a name that a failed cell should have made -> what is not written yet

        def handler(shell, kind, error, trace, tb_offset=None):
            line = _short(error, trace, missing, shell.user_ns)
            if line is None:
                shell.showtraceback((kind, error, trace), tb_offset=tb_offset)
            else:
                shell._showtraceback(kind, line, [f"\x1b[31m{line}\x1b[0m"])

        shell.set_custom_exc((NotImplementedError, NameError, *SENTENCES), handler)


def _short(error: BaseException, trace, missing: dict[str, str], names: dict) -> str | None:
    """The one line to show, or None for the whole traceback. Notes what the cell that failed should have made."""
    if isinstance(error, SENTENCES):
        return str(error)
    if isinstance(error, NameError):
        stub = missing.get(str(error.name))
        line = f"{error.name} is not there yet: it needs {stub}, which is not written yet"
    else:
        while trace.tb_next is not None:
            trace = trace.tb_next
        name = trace.tb_frame.f_code.co_qualname.split(".<locals>")[0].removesuffix(".__init__")
        stub = name if str(error) == STUB else None
        line = f"{stub} is not written yet"
    if stub is None:
        return None
    missing.update(dict.fromkeys(_assigned(names.get("In", [""])[-1]), stub))
    return line


def _assigned(source: str) -> set[str]:
    """Names that a cell's own top level assigns, defines or imports."""
    try:
        tree = ast.parse(source)
    except SyntaxError:  # magics and the like
        return set()
    names: set[str] = set()
    left: list[ast.AST] = list(tree.body)
    while left:
        node = left.pop()
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            names.add(node.name)  # and of what its body assigns, which stays in there, only what it calls global
            names |= {name for inner in ast.walk(node) if isinstance(inner, ast.Global) for name in inner.names}
            continue
        if isinstance(node, ast.Lambda):
            continue
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
        elif isinstance(node, ast.alias):
            names.add((node.asname or node.name).split(".")[0])
        left += ast.iter_child_nodes(node)
    return names
