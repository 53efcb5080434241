"""What a kernel sends, keeps and uses up: submissions that flood, hide, wait and listen, beside one that does not."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.attacks.attacks import DOUBLE, HALVE, WRONG, forged
from tests.attacks.courses import NEEDS_ISOLATION, course_for, graded_by, hand_in, runs
from tests.conftest import scores, thorough
from tests.test_grading import reasons

pytestmark = NEEDS_ISOLATION
MARK = "MARK-%06d;"  # a weights file is made of these; nobody writes one down

# The kernel's own sockets, and who listens at the other end.
SOCKETS = """
import gc, threading, zmq
def sockets(kind):
    return [o for o in gc.get_objects() if isinstance(o, zmq.Socket) and not o.closed and o.type == kind]
def grader():
    return get_ipython().parent_header["session"].encode()
"""
FOR_EVER = """
def flood(send):
    while True:
        try:
            send()
        except Exception:
            pass
"""
REPLIES = f"""{SOCKETS}{FOR_EVER}
def double(x):
    if x.size > 4:
        kernel = get_ipython().kernel
        for socket in sockets(zmq.ROUTER):
            flood(lambda: kernel.session.send(socket, "execute_reply", {{"status": "ok"}}, ident=grader()))
    return 2 * x
"""
PARTS = f"""{SOCKETS}{FOR_EVER}
def double(x):
    if x.size > 4:
        for socket in sockets(zmq.ROUTER):
            socket.send(grader(), zmq.SNDMORE)
        everywhere = sockets(zmq.ROUTER)
        flood(lambda: [socket.send(b"x" * 1_000_000, zmq.SNDMORE) for socket in everywhere])
    return 2 * x
"""
SHOWN = f"""{FOR_EVER}
from IPython.display import display
def double(x):
    if x.size > 4:
        flood(lambda: display("y" * 10_000))
    return 2 * x
"""
OUTPUTS = """
from IPython.display import display
for number in range(5_000):
    display(number)
"""
SURROGATE = """
import json
session = get_ipython().kernel.session
session.pack = lambda o: json.dumps(o, default=str).encode()
print(chr(0xD800))
"""
KEYS = """
import ctypes
libc = ctypes.CDLL(None, use_errno=True)
def keys():
    with open("/proc/keys") as file:
        listed = file.read()
    made = libc.syscall(248, b"user", b"note-for-the-next", b"hello", 5, -3)
    there = libc.syscall(249, b"user", b"instructor-token", None, -3)
    return listed, made >= 0, there >= 0
"""
FIRST = """
import ctypes, os
libc = ctypes.CDLL(None, use_errno=True)
def looks():
    os.kill(1, 19)
    for name in ("mem", "environ", "maps", "fd/2"):
        try:
            open(f"/proc/1/{name}", "rb").read(1)
            yield name
        except OSError:
            pass
    if libc.syscall(101, 16, 1, 0, 0) == 0:
        yield "traced"
"""
SHARED = """
import ctypes, mmap, os
libc = ctypes.CDLL(None, use_errno=True)
def shared():
    for name, take in (
        ("anonymous", lambda: mmap.mmap(-1, 1 << 20)),
        ("/dev/zero", lambda: mmap.mmap(os.open("/dev/zero", os.O_RDWR), 1 << 20)),
        ("memfd", lambda: os.memfd_create("name")),
    ):
        try:
            take()
            yield name
        except OSError:
            pass
    if libc.shmget(0, 1 << 20, 0o1600) != -1:
        yield "System V"
"""
NOTE = """
import os
def writable():
    for top, folders, files in os.walk("/"):
        if top.startswith(("/proc", "/sys", "/tmp", "/home/student", "/dev/shm", "/dev/pts")) or "site-packages" in top:
            folders.clear()
        elif os.access(top, os.W_OK):
            yield top
"""
NAMES = """
import os
def names():
    told = " ".join([repr(get_ipython().parent_header), os.getcwd(), *os.environ.values()])
    return "username" not in told or any(name in told for name in ("instructor-login", "looks-for-names"))
"""
SEARCH = """
def memory_holds():
    start = bytes(reversed(b"00-KRAM"))  # the mark does not stand in this code
    hits = 0
    with open("/proc/self/maps") as maps, open("/proc/self/mem", "rb", 0) as memory:
        for line in maps:
            place, rights = line.split()[:2]
            if rights[0] == "r" and "[v" not in line:
                first, last = (int(end, 16) for end in place.split("-"))
                try:
                    memory.seek(first)
                    hits += memory.read(last - first).count(start)
                except (OSError, OverflowError, ValueError):
                    pass
    return hits
"""
BUSY = """
import os
def double(x):
    for _ in range(100):
        try:
            if os.fork() == 0:
                while True:
                    pass
        except OSError:
            break
    return 2 * x
"""
LEAVES = """
import threading
def spin():
    while True:
        pass
def double(x):
    if x.size > 4:
        for _ in range(8):
            threading.Thread(target=spin, daemon=True).start()
    return 2 * x
"""
WORKS = """
def work():
    return sum(range(12_000_000))
"""


def answers(text: str) -> str:
    """A cell that answers every question with one text, as the kernel would show it."""
    return (
        "shell = get_ipython()\nshell.user_expressions = lambda e: {k: {'status': 'ok', 'metadata': {}, "
        f"'data': {{'text/plain': repr({text})}}}} for k in e}}\n"
    )


def with_line(size: int) -> str:
    """Python for an answer that is an exception whose line is so long."""
    start, end = ('[{"kind": "exception", "value": ["ValueError"], "line": "', '"}]')
    return f"__import__('base64').b64encode(({start!r} + 'y' * {size} + {end!r}).encode()).decode()"


HUGE = '{"kind": "tensor", "dtype": "float32", "shape": [4294967296], "value": ""}'
MANY = "__import__('base64').b64encode(('[' + '{},' * 20_000_000 + '{}]').encode()).decode()"


def only_if(condition: str, cells: str) -> str:
    """A right double that is wrong where a condition does not hold."""
    return f"{cells}\ndef double(x):\n    return 2 * x if {condition} else x"


def halve_by(work: str) -> str:
    return WORKS + HALVE.replace("    return x / 2", f"    {work}\n    return x / 2")


# student -> cells that are filled in, and points of double, halve and total. Graded in this order.
CLASS: dict[str, dict[str, str]] = {
    "a-line-of-60-mb": {"double": answers(with_line(60_000_000)) + WRONG, "halve": HALVE},
    "a-message-of-150-mb": {"double": answers("'A' * 150_000_000") + WRONG, "halve": HALVE},
    "a-tensor-of-16-gib": {"double": answers(repr(forged(HUGE))) + WRONG, "halve": HALVE},
    "millions-of-parts": {"double": answers(MANY) + WRONG, "halve": HALVE},
    "answers-that-are-none": {"double": answers(repr(forged('"text"'))) + WRONG, "halve": HALVE},
    "replies-to-nobody": {"double": REPLIES, "halve": HALVE},
    "a-message-without-end": {"double": PARTS, "halve": HALVE},
    "shows-without-end": {"double": SHOWN, "halve": HALVE},
    "thousands-of-outputs": {"double": OUTPUTS + DOUBLE, "halve": HALVE},
    "half-a-pair-of-utf-16": {"double": SURROGATE + DOUBLE, "halve": HALVE},
    "keyrings": {"double": only_if("keys() == ('', False, False)", KEYS), "halve": HALVE},
    "the-first-process": {"double": only_if("not list(looks())", FIRST), "halve": HALVE},
    "memory-of-nobody": {"double": only_if("not list(shared())", SHARED), "halve": HALVE},
    "leaves-a-note": {"double": only_if("not list(writable())", NOTE), "halve": HALVE},
    "marked-weights": {"double": DOUBLE, "halve": HALVE},
    "memory-of-the-one-before": {"double": only_if("memory_holds() < 100", SEARCH), "halve": HALVE},
    "looks-for-names": {"double": only_if("not names()", NAMES), "halve": HALVE},
    "stops-itself": {
        "double": "import os\ndef double(x):\n    if x.size > 4:\n        os.kill(os.getpid(), 19)\n    return 2 * x",
        "halve": HALVE,
    },
    "hundred-busy-processes": {"double": BUSY, "halve": "def halve(x):\n    while True:\n        pass"},
    "works-beside-them": {"double": DOUBLE, "halve": halve_by("work()")},
    "busy-threads-are-left": {"double": LEAVES, "halve": halve_by("work()")},
    "the-neighbour": {"double": DOUBLE, "halve": HALVE},
}
NOTHING, ALL = (0, 0, 0), (2, 3, 1)
# ten seconds each and more: in `make test-all` alone
HEAVY = ("a-message-of-150-mb", "marked-weights", "memory-of-the-one-before", "busy-threads-are-left")
GRADED = [student for student in CLASS if thorough() or student not in HEAVY]
# whatever the busy one earns: it is there for the one beside it
EXPECTED = {student: ALL for student in CLASS if student != "hundred-busy-processes"} | {
    "a-line-of-60-mb": NOTHING,
    "a-message-of-150-mb": NOTHING,
    "a-tensor-of-16-gib": NOTHING,
    "millions-of-parts": NOTHING,
    "answers-that-are-none": NOTHING,
    "replies-to-nobody": (0, 3, 1),
    "a-message-without-end": (0, 3, 1),
    "shows-without-end": (0, 3, 1),
    "stops-itself": (0, 3, 1),
}
LIMITS = "\nc.Execute.timeout = 5\nc.Execute.grace = 1\n"
KEY = """
import ctypes, runpy, sys
libc = ctypes.CDLL(None, use_errno=True)
libc.syscall(250, 1, None)
print(libc.syscall(248, b"user", b"instructor-token", b"secret", 6, -3) > 0, flush=True)
sys.argv = sys.argv[1:]
runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
"""


@pytest.fixture(scope="module", params=runs("answers"))
def graded(request, tmp_path_factory):
    """The class, graded once, by somebody whose login holds a key."""
    course = course_for(request.param, tmp_path_factory.mktemp("answers") / "course")
    for student in GRADED:
        hand_in(course, student, CLASS[student])
    if "marked-weights" in GRADED:
        weights = course.submitted("marked-weights").with_name("word_lm.safetensors")
        weights.write_text("".join(MARK % number for number in range(100_000)))
    with (course.root / "nbgrader_config.py").open("a") as file:
        file.write(LIMITS)
    plain, course.python = (
        course.python,
        lambda *call, **env: plain("-c", KEY, *call[1:], **env, USER="instructor-login", LOGNAME="instructor-login"),
    )
    course.course = course.course_process  # by `python`, in a process that has the key
    done = graded_by(request.param, course)
    course.python = plain
    course.told = done.stdout + done.stderr
    assert done.returncode == 0, course.told[-3000:]
    course.feedback()
    return course


@pytest.fixture(scope="module")
def marks(graded):
    """Points per student and question, from the gradebook."""
    return {student: scores(graded, student) for student in GRADED}


@pytest.mark.parametrize("student", [student for student in EXPECTED if student in GRADED])
def test_each_earns_what_its_right_cells_deserve(graded, marks, student):
    found = tuple(marks[student][question] for question in ("double", "halve", "total"))
    assert found == EXPECTED[student], reasons(graded, student)


@pytest.mark.parametrize("student", GRADED)
def test_notebooks_and_pages_are_bounded(graded, student):
    notebook = graded.root / "autograded" / student / graded.name / f"{graded.name}.ipynb"
    page = graded.root / "feedback" / student / graded.name / f"{graded.name}.html"
    assert notebook.stat().st_size < 1 << 20
    assert page.stat().st_size < 3 << 20


def test_the_grader_s_login_held_a_key_meanwhile(graded):
    assert graded.told.startswith("True")


def test_the_table_of_attacks_is_what_the_tests_hold():
    rows = (Path(__file__).parents[2] / "docs" / "security.md").read_text().split("\n")
    table = {row.split(" | ")[0].removeprefix("| "): row.split(" | ")[-1].removesuffix(" |") for row in rows}
    told = {name: ", ".join(map(str, earns)) for name, earns in EXPECTED.items()}
    controls = {"marked-weights", "the-neighbour"}
    assert {name: table.get(name) for name in EXPECTED if name not in controls} == {
        name: earns for name, earns in told.items() if name not in controls
    }
