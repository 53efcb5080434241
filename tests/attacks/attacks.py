"""Submissions that attack: each with the marks that its right cells deserve, and not a point more.

An attack is put into the cells of the tiny course (tests/conftest.py); `double` is wrong in most, so that a full mark
would be a stolen one. Words in CANARIES stand where no submission may read; the tests look for them in the feedback.
"""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

SECRET, NEIGHBOUR, GRADEBOOK = "canary-secret-51c4", "canary-neighbour-9e02", "canary-gradebook-77ab"
CANARIES = (SECRET, NEIGHBOUR, GRADEBOOK)

HALVE = "def halve(x):\n    if not x.size:\n        raise ValueError('none')\n    return x / 2"
DOUBLE = "def double(x):\n    return 2 * x"
WRONG = "def double(x):\n    return 3 * x"


@dataclass(frozen=True)
class Attack:
    """cells: sources by cell id. earns: points of double, halve and total. folder: what else it does to the submission.

    says: what must stand in the feedback page, or, of what is not graded, on the terminal.
    """

    cells: dict[str, str] = field(default_factory=dict)
    earns: tuple[float | None, ...] = (0, 3, 0)
    folder: Callable[[Path], None] | None = None
    says: str = ""


NOT_GRADED = (None, None, None)


def before(code: str, double: str = WRONG, **more) -> Attack:
    """Code that runs ahead of a (wrong) double."""
    return Attack({"double": f"{code}\n\n{double}", "halve": HALVE}, **more)


def inside(body: str, **more) -> Attack:
    """Code in the body of double, which may use x."""
    lines = "\n".join("    " + line for line in body.splitlines())
    return Attack({"double": f"def double(x):\n{lines}", "halve": HALVE}, **more)


def notebook(change: Callable[[dict], object]) -> Callable[[Path], None]:
    """A change of the notebook file's JSON."""

    def apply(folder: Path) -> None:
        (path,) = folder.glob("*.ipynb")
        read = json.loads(path.read_text())
        changed = change(read)
        path.write_text(json.dumps(read if changed is None else changed))

    return apply


def each_cell(change: Callable[[dict], object]) -> Callable[[Path], None]:
    """A change of each cell of the notebook file."""
    return notebook(lambda read: [change(cell) for cell in read["cells"]] and None)


def as_version_3(read: dict) -> dict:
    """The notebook as IPython 3 would have saved it."""
    cells = [{"input": cell.pop("source"), "language": "python", **cell} for cell in read["cells"]]
    return {"nbformat": 3, "nbformat_minor": 0, "metadata": {"name": ""}, "worksheets": [{"cells": cells}]}


def links(**targets: str) -> Callable[[Path], None]:
    """Symbolic links in place of files, to places relative to the course."""

    def apply(folder: Path) -> None:
        for name, target in targets.items():
            place = folder / name.replace("_ipynb", ".ipynb").replace("_safetensors", ".safetensors")
            place.unlink(missing_ok=True)
            place.symlink_to(folder.parents[2] / target)

    return apply


def written(**texts: str) -> Callable[[Path], None]:
    """Files beside the notebook; `_` and then `py` or `txt` at the end of a name is its suffix."""

    def apply(folder: Path) -> None:
        for name, text in texts.items():
            (folder / ".".join(name.rsplit("_", 1))).write_text(text)

    return apply


def overwritten(data: bytes) -> Callable[[Path], None]:
    """Another content of the notebook file."""
    return lambda folder: next(folder.glob("*.ipynb")).write_bytes(data) and None


def odd_names(folder: Path) -> None:
    """Files with names that are more than names."""
    for name in ("a\n<script>alert(1)<b>.safetensors", "..\\up.safetensors", "<img src=x onerror=alert(1)>.py"):
        (folder / name).write_text("x")


def forged(answer: str) -> str:
    """What a kernel shows of both answers to `double` when each is a given JSON text."""
    return base64.b64encode(f"[{answer}, {answer}]".encode()).decode()


FORGED_ANSWER = forged('{"kind": "array", "dtype": "float64", "shape": [3, 5], "value": ""}')

# Finds what can be found by a look at frames, open files, the environment and the file system, and puts it into an
# exception's name and text, where feedback might show it.
LOOK = """
import gc, inspect, os, sys
found = []
frame = inspect.currentframe()
while frame:
    found += [repr(value)[:10_000] for value in frame.f_locals.values()]
    frame = frame.f_back
for top, folders, files in os.walk('/'):
    if top.startswith(('/proc', '/sys', '/usr', '/dev')) or 'site-packages' in top or '/lib/' in top:
        folders.clear()
        continue
    for name in files:
        try:
            found.append(open(os.path.join(top, name), errors='replace').read(200_000))
        except OSError:
            pass
for name in os.listdir('/proc'):
    for what in ('environ', 'cmdline', 'maps'):
        try:
            found.append(open(f'/proc/{name}/{what}', errors='replace').read())
        except OSError:
            pass
for number in range(100):
    try:
        found.append(os.readlink(f'/proc/self/fd/{number}'))
    except OSError:
        pass
text = ' '.join(found)
seen = [word for word in __WORDS__ if word[::-1] in text]
"""
LOOKED = LOOK.replace("__WORDS__", repr([word[::-1] for word in CANARIES]))  # or the page would show its own code's

# space is taken, not written: a gigabyte of zeros takes longer than a cell may, on a busy machine
FILL = """
import glob, os
sockets = os.path.dirname(glob.glob('/tmp/course-warm*/*/*')[0])
for folder in ('/tmp', '.', os.path.expanduser('~'), '/dev/shm', sockets):
    try:
        for number in range(100):
            with open(os.path.join(folder, f'fill{number}'), 'wb') as file:
                os.posix_fallocate(file.fileno(), 0, 100_000_000)
    except OSError:
        pass
assert os.statvfs('.').f_bavail * os.statvfs('.').f_frsize < 100_000_000
"""

ATTACKS: dict[str, Attack] = {
    # forged results and tampering inside the kernel
    "display-hook": before(
        "import sys\nget_ipython().displayhook.write_format_data = lambda *a: None\ndisplay(2.0)", earns=(0, 3, 0)
    ),
    "verdict-on-stdout": before(
        "print('double: 2 of 2 points')\nprint('OK double')\nimport sys; print('[check_double] 2/2', file=sys.stderr)"
    ),
    "patched-checks": before(
        "import numpy as np\nfrom utils import checks\n"
        "np.testing.assert_allclose = np.allclose = lambda *a, **k: True\n"
        "for name in list(vars(checks)):\n"
        "    if callable(getattr(checks, name)):\n        setattr(checks, name, lambda *a, **k: None)"
    ),
    "patched-answering": before(
        "import json, base64, ast, builtins\n"
        "real = json.dumps\n"
        f"json.dumps = lambda *a, **k: {FORGED_ANSWER!r}\n"
        "exec_ = builtins.exec\n"
        "def forged(code, names=None, *more):\n"
        "    exec_(code, names, *more) if names is not None else exec_(code)\n"
        "    if isinstance(names, dict) and 'answer_all' in names:\n"
        f"        names['answer_all'] = lambda *a: {FORGED_ANSWER!r}\n"
        "builtins.exec = forged",
    ),
    "patched-user-expressions": before(
        "shell = get_ipython()\n"
        "shell.user_expressions = lambda e: {k: {'status': 'ok', 'metadata': {}, "
        f"'data': {{'text/plain': repr({FORGED_ANSWER!r})}}}} for k in e}}",
        earns=(0, 0, 0),
    ),
    "patched-run-cell": before(
        "shell = get_ipython()\nshell.run_cell = shell.run_cell_async = lambda *a, **k: None", earns=(0, 0, 0)
    ),
    "input-transformer": before(
        "get_ipython().input_transformers_cleanup.append(lambda lines: ['pass\\n'])", earns=(0, 0, 0)
    ),
    "monstrous-answer-text": before(
        "shell = get_ipython()\n"
        "shell.user_expressions = lambda e: {k: {'status': 'ok', 'metadata': {}, "
        "'data': {'text/plain': repr(__import__('base64').b64encode(b'[' * 500_000).decode())}} for k in e}",
        earns=(0, 0, 0),
    ),
    # objects that lie
    "lying-eq": inside(
        "class Yes(float):\n    __eq__ = __ge__ = __le__ = lambda self, other: True\n"
        "    __ne__ = lambda self, other: False\n    __hash__ = float.__hash__\n"
        "return [[Yes(0)] * 5] * 3"
    ),
    "lying-array": inside(
        "import numpy as np\nclass A:\n    shape, dtype, ndim = (3, 5), np.dtype(float), 2\n"
        "    def __array__(self, *a, **k):\n        return np.zeros((3, 5))\n"
        "    __eq__ = lambda self, other: True\nreturn A()"
    ),
    "ndarray-subclass": inside(
        "import numpy as np\nclass Sub(np.ndarray):\n"
        "    def __eq__(self, other):\n        return True\n"
        "    def tobytes(self, *a):\n        return (2 * x).tobytes() if False else np.ndarray.tobytes(self)\n"
        "    shape = property(lambda self: (3, 5))\n"
        "return np.zeros(15).view(Sub)"
    ),
    "honest-subclass": inside(
        "import numpy as np\nclass Sub(np.ndarray):\n    pass\nreturn (2 * x).view(Sub)", earns=(2, 3, 1)
    ),
    "int-of-a-million-digits": inside("return 10 ** 1_000_000"),
    # looking around
    "look-around": inside(LOOKED.strip() + "\nreturn 0 * x if seen else 2 * x", earns=(2, 3, 1)),
    "look-around-in-a-cell": before(LOOKED + "\nprint(seen, text)", earns=(0, 3, 0)),
    "network": before(
        "import socket\nreached = []\nfor family, place in ((socket.AF_INET, ('127.0.0.1', __PORT__)), "
        "(socket.AF_INET6, ('::1', __PORT__))):\n    try:\n"
        "        socket.create_connection(place, timeout=2)\n        reached.append(place)\n"
        "    except OSError:\n        pass\nassert not reached",
        DOUBLE,
        earns=(2, 3, 1),
    ),
    "overwrite-the-course": before(
        "import glob, os\nfor pattern in ('__ROOT__/*', '__ROOT__/**/*', '../*', '../../*', '../../../*'):\n"
        "    for name in glob.glob(pattern, recursive=True) + glob.glob(pattern.replace('*', '.*')):\n"
        "        try:\n            open(name, 'w').write('mine')\n            os.remove(name)\n"
        "        except OSError:\n            pass"
    ),
    "kill-everything": before(
        "import os, signal\nfor pid in (1, -1, os.getppid()):\n    try:\n"
        "        pid != -1 and os.kill(pid, 9)\n    except (OSError, PermissionError):\n        pass",
        earns=(0, 3, 0),
    ),
    # what stays behind
    "thread-that-mends": before(
        "import threading, time\ndef mend():\n    time.sleep(0.5)\n    globals()['double'] = lambda x: 2 * x\n"
        "threading.Thread(target=mend, daemon=True).start()",
        WRONG + "\n\nimport time",
        earns=(0, 3, 0),
    ),
    "fork-that-stays": before(
        "import os, time\nif os.fork() == 0:\n    os.setsid()\n    if os.fork() == 0:\n"
        "        for _ in range(6000):\n            time.sleep(0.1)  # canary-process\n    os._exit(0)",
        DOUBLE,
        earns=(2, 3, 1),
    ),
    # too much of everything
    "three-hundred-children": inside(
        "import os, time\nfor _ in range(300):\n    if os.fork() == 0:\n        time.sleep(600)\nreturn 2 * x"
    ),
    "fork-bomb": inside("import os\nwhile True:\n    try:\n        os.fork()\n    except OSError:\n        pass"),
    "memory": inside("y = []\nwhile True:\n    y.append(bytearray(100_000_000))", earns=(0, 3, 0)),
    "memory-of-many": inside(
        "import os, time\nfor _ in range(8):\n    if os.fork() == 0:\n        y = bytearray(1_500_000_000)\n"
        "        for k in range(0, len(y), 4096):\n            y[k] = 1\n        time.sleep(600)\n"
        "time.sleep(20)\nreturn 2 * x"
    ),
    "ten-gigabytes": before(
        "import os\nwith open('big', 'wb') as file:\n    for number in range(1000):\n        try:\n"
        "            os.posix_fallocate(file.fileno(), 10_000_000 * number, 10_000_000)\n"
        "        except OSError:\n            break",
        DOUBLE,
        earns=(2, 3, 1),
    ),
    "fill-every-folder": before(FILL, DOUBLE, earns=(2, 3, 1)),
    "a-hundred-megabytes-of-output": before("print('x' * 100_000_000)", DOUBLE, earns=(2, 3, 1)),
    "an-answer-of-200-megabytes": inside("import numpy as np\nreturn np.zeros((5000, 5000))"),
    "a-monstrous-message": inside("raise RuntimeError('y' * 50_000_000)"),
    "a-monstrous-traceback": before(
        "import sys\nsys.setrecursionlimit(1_000_000)\ndef f(n):\n    raise RuntimeError('z' * 10_000_000)\n"
        "try:\n    f(1)\nexcept RuntimeError as error:\n    get_ipython().showtraceback()",
        DOUBLE,
        earns=(2, 3, 1),
    ),
    # the notebook file
    "another-kernel": Attack(
        {"double": WRONG, "halve": HALVE},
        folder=notebook(
            lambda read: read["metadata"].update(
                kernelspec={"name": "bash", "display_name": "Bash", "language": "bash"},
                course={"digest": "0" * 64, "repairs": []},
            )
        ),
    ),
    "skip-execution": Attack(
        {"double": WRONG, "halve": HALVE},
        folder=each_cell(
            lambda cell: cell["metadata"].update(
                tags=["skip-execution"], course={"question": "double", "score": 99, "points": 2}
            )
        ),
    ),
    "points-changed": Attack(
        {"double": DOUBLE, "halve": HALVE},
        earns=(2, 3, 1),
        folder=each_cell(
            lambda cell: cell["metadata"].get("nbgrader", {}).update(points=99, schema_version=99, locked=False)
        ),
    ),
    "all-grade-ids-the-same": Attack(
        {"double": DOUBLE, "halve": HALVE},
        earns=(2, 3, 1),
        folder=each_cell(lambda cell: cell["metadata"].get("nbgrader", {}).update(grade_id="check_double")),
    ),
    "metadata-of-other-types": Attack(
        {"double": DOUBLE, "halve": HALVE},
        earns=(2, 3, 1),
        folder=each_cell(lambda cell: cell.update(metadata=[1, 2], id={"a": 1}, outputs=7)),
    ),
    "nested-900-deep": Attack(folder=overwritten(b"[" * 900 + b"]" * 900), earns=NOT_GRADED, says="no list of cells"),
    "no-json": Attack(
        folder=overwritten(b"\x00\xff{{{"), earns=NOT_GRADED, says="it is not a notebook (not valid JSON)"
    ),
    "version-3": Attack({"double": DOUBLE, "halve": HALVE}, earns=(2, 3, 1), folder=notebook(as_version_3)),
    # the folder
    "shadowing-modules": Attack(
        {"double": WRONG, "halve": HALVE},
        folder=written(numpy_py="1/0", torch_py="1/0", utils_py="1/0", json_py="1/0", sitecustomize_py="1/0"),
        says="neither a notebook nor weights",
    ),
    "link-to-the-neighbour": Attack(
        earns=(0, 0, 0),
        folder=links(hw0_tiny_ipynb="submitted/neighbour/hw0_tiny/hw0_tiny.ipynb"),
        says="it is a link",
    ),
    "link-to-the-secret": Attack(
        {"double": DOUBLE, "halve": HALVE},
        earns=(2, 3, 1),
        folder=links(word_lm_safetensors=".course_secret", all="."),
        says="it is a link",
    ),
    "a-pipe": Attack(
        {"double": DOUBLE, "halve": HALVE},
        earns=(2, 3, 1),
        folder=lambda folder: os.mkfifo(folder / "word_lm.safetensors"),
        says="not an ordinary file",
    ),
    "names-with-newlines": Attack(
        {"double": DOUBLE, "halve": HALVE}, earns=(2, 3, 1), folder=odd_names, says="left out"
    ),
    "a-timestamp-of-nonsense": Attack(
        {"double": DOUBLE, "halve": HALVE}, earns=(2, 3, 1), folder=written(timestamp_txt="never <b>")
    ),
    # the pages
    "script-in-outputs": before(
        "from IPython.display import HTML, Javascript, SVG, Markdown, display\n"
        'display(HTML(\'<script>document.title = "stolen"</script><img src=x onerror="document.title=1">\'))\n'
        "display(Javascript('document.title = \"stolen\"'))\n"
        "display(Markdown('<script>document.title = \"stolen\"</script>'))\n"
        "display({'text/html': '<script>document.title = \"stolen\"</script>',\n"
        "         'text/plain': '<script>document.title=1</script>'}, raw=True)\n"
        "print('<script>document.title = \"stolen\"</script>')",
        DOUBLE,
        earns=(2, 3, 1),
    ),
    "script-in-an-answer": Attack(
        {
            "double": DOUBLE + "\n# <script>document.title = 'stolen'</script>",
            "halve": HALVE,
            "why": "Why is twice the half the whole?\n\n<script>document.title = 'stolen'</script>\n"
            "<img src=x onerror=\"document.title='stolen'\">\n[a](javascript:document.title='stolen')\n"
            "![b](attachment:none.png) <svg onload=\"document.title='stolen'\"></svg>",
        },
        earns=(2, 3, 1),
    ),
}
