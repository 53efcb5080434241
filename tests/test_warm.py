"""Kernels forked from a warm process: fresh, independent, gone when they should be, and with the marks of cold ones."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time

import pytest
from jupyter_client.manager import KernelManager

from autograder.course.paths import ROOT
from autograder.sandbox import bubblewrap
from autograder.sandbox.kernels import SERVERS, WarmServer, start_warm
from tests.conftest import scores
from tests.processes import descendants, running, wait_for

pytestmark = pytest.mark.skipif(sys.platform in ("darwin", "win32"), reason="no warm kernels on this system")


@pytest.fixture(params=["isolated", pytest.param("open", marks=pytest.mark.slow)])
def warm(request):
    """Whether kernels are isolated."""
    if request.param == "isolated" and bubblewrap.lacks():
        pytest.skip(f"no isolation here: {bubblewrap.lacks()}")
    return request.param == "isolated"


def start_new_kernel(isolated, limits=None, **how):
    """A kernel that starts warm: its manager, and a client that it answers."""
    manager = KernelManager(kernel_name="python3")
    start_warm(manager, isolated, limits)
    manager.start_kernel(**how)
    client = manager.client()
    client.start_channels()
    client.wait_for_ready(timeout=60)
    return manager, client


def told(client, code):
    """What a cell prints."""
    texts = []

    def note(message):
        if message["msg_type"] == "stream":
            texts.append(message["content"]["text"])

    client.execute_interactive(code, output_hook=note, timeout=60)
    return "".join(texts)


@pytest.mark.parametrize("warm", ["isolated", "open"], indirect=True)
def test_a_kernel_starts_with_torch_and_without_the_grader(warm, tmp_path):
    (tmp_path / "weights.safetensors").write_bytes(b"data")
    (tmp_path / "mine.ipynb").write_text("{}")
    env = {**os.environ, "COURSE_PROFILE": "quick", "SOMETHING": "else"}
    manager, client = start_new_kernel(warm, cwd=str(tmp_path), env=env)
    try:
        ask = "import sys, os; print('torch' in sys.modules, os.environ['COURSE_PROFILE'], "
        ask += "[name for name in sys.modules if name.split('.')[0] in ('autograder', 'nbgrader', 'assignments')])"
        assert told(client, ask) == "True quick []\n"
        seen = told(client, "print(os.getcwd(), os.environ.get('SOMETHING'), sorted(os.listdir('.')))")
        place = "/home/student/submission None ['weights" if warm else f"{tmp_path} else ['mine.ipynb', 'weights"
        assert seen == f"{place}.safetensors']\n"
        assert told(client, "import utils.toy; print(utils.__file__)") == f"{ROOT / 'utils' / '__init__.py'}\n"
        drawn = "import matplotlib.pyplot as plt\nplt.plot([1, 2])\nplt.show()"
        kinds = []
        client.execute_interactive(drawn, output_hook=lambda m: kinds.append(m["msg_type"]), timeout=60)
        assert "display_data" in kinds
    finally:
        manager.shutdown_kernel(now=True)


def test_kernels_share_nothing_and_draw_differently(warm):
    first, second = start_new_kernel(warm), start_new_kernel(warm)
    try:
        ask = "import random, numpy, torch; print(random.random(), numpy.random.rand(), torch.rand(1).item())"
        one, other = told(first[1], ask).split(), told(second[1], ask).split()
        assert not set(one) & set(other)
        told(first[1], "import json; json.loads = None")
        assert "built-in" not in told(second[1], "import json; print(json.loads is None)")
        assert told(second[1], "print(json.loads is None)") == "False\n"
    finally:
        for manager, _ in (first, second):
            manager.shutdown_kernel(now=True)


@pytest.mark.parametrize("how", ["os._exit(0)", "os.kill(os.getpid(), 9)"])
def test_the_end_of_a_kernel_is_seen(warm, how):
    manager, client = start_new_kernel(warm)
    told(client, "import os")
    client.execute(how)
    wait_for(lambda: not manager.is_alive())
    manager.cleanup_resources()


def test_an_interrupt_reaches_the_kernel(warm):
    manager, client = start_new_kernel(warm)
    try:
        client.execute("while True: pass")
        time.sleep(0.5)
        manager.interrupt_kernel()
        assert client.get_shell_msg(timeout=30)["content"]["ename"] == "KeyboardInterrupt"
        client.kernel_info(reply=True, timeout=30)  # after an error the kernel drops requests for a moment
        assert told(client, "print('here')") == "here\n"
    finally:
        manager.shutdown_kernel(now=True)


GRADER = """
import sys, time
from autograder.sandbox.kernels import SERVERS
from tests.test_warm import start_new_kernel
isolated = sys.argv[1] == "True"
manager, client = start_new_kernel(isolated)
print(SERVERS.ready(isolated).process.pid, flush=True)
time.sleep(60)
"""


def test_nothing_outlives_a_grader_that_is_killed(warm):
    grader = subprocess.Popen([sys.executable, "-c", GRADER, str(warm)], stdout=subprocess.PIPE, text=True, cwd=ROOT)
    server = int(grader.stdout.readline())
    processes = {server, *descendants(server)}
    assert len(processes) >= 2
    grader.send_signal(signal.SIGKILL)
    grader.wait()
    wait_for(lambda: not any(map(running, processes)))


ENDS_SOON = """
import sys, time
from autograder.sandbox.kernels import SERVERS
SERVERS.share(sys.argv[1] == "True")
time.sleep(1)
"""


def test_a_server_that_still_loads_when_its_run_ends_goes_in_silence(warm):
    call = [sys.executable, "-c", ENDS_SOON, str(warm)]
    # until the server has ended, too
    done = subprocess.run(call, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_kernel_that_is_shut_down_leaves_nothing(warm):
    first, client = start_new_kernel(warm)
    before = descendants(SERVERS.ready(warm).process.pid)
    manager, client = start_new_kernel(warm)
    told(client, "import os, time\nif os.fork() == 0:\n    time.sleep(600)")
    assert len(descendants(SERVERS.ready(warm).process.pid)) > len(before) + 1
    manager.shutdown_kernel(now=True)
    wait_for(lambda: descendants(SERVERS.ready(warm).process.pid) <= before)
    first.shutdown_kernel(now=True)


@pytest.mark.parametrize(
    ("code", "memory", "why"),
    [
        (
            "import os, numpy, time\nos.fork(), os.fork()\nkept = numpy.ones(100_000_000)\ntime.sleep(60)",
            2 << 30,
            "memory",
        ),
        (  # nothing but page tables: each page of a map of nothing is read
            "import mmap, time\nempty = mmap.mmap(-1, 1 << 40, flags=mmap.MAP_PRIVATE, prot=mmap.PROT_READ)\n"
            "for place in range(0, 1 << 38, 1 << 21):\n    empty[place]\ntime.sleep(60)",
            512 << 20,
            "memory",
        ),
        (  # a name that reads like a line of the account
            "import ctypes, numpy, os, time\nctypes.CDLL(None).prctl(15, b'\\rVmPTE: -999999', 0, 0, 0)\nos.fork()\n"
            "kept = numpy.ones(60_000_000)\ntime.sleep(60)",
            1 << 30,
            "memory",
        ),
        ("import time\ntime.sleep(60)", 2 << 30, "time"),
    ],
    ids=["memory", "page tables", "a name", "time"],
)
def test_an_isolated_kernel_ends_at_its_limits(warm, code, memory, why):
    if not warm:
        pytest.skip("limits are the sandbox's")
    limits = bubblewrap.Limits(memory=memory, seconds=60 if why == "memory" else 3)
    manager, client = start_new_kernel(True, limits)
    client.execute(code)
    wait_for(lambda: not manager.is_alive())
    assert manager.provisioner.process.killed_for == why
    manager.cleanup_resources()


def test_isolated_kernels_have_no_folder_and_no_terminal_in_common(warm):
    if not warm:
        pytest.skip("folders of its own are the sandbox's")
    first, second = start_new_kernel(True), start_new_kernel(True)
    try:
        write = "import os\nkept = os.openpty()\ntry:\n    open('/dev/note', 'w').write('for the next')\n"
        assert (
            told(first[1], write + "except OSError as error:\n    print(error.strerror)") == "Read-only file system\n"
        )
        assert (
            told(second[1], "import os; print(os.listdir('/dev/pts'), os.path.exists('/dev/note'))")
            == "['ptmx'] False\n"
        )
    finally:
        for manager, _ in (first, second):
            manager.shutdown_kernel(now=True)


def test_what_is_loaded_before_a_kernel_finds_semaphores(warm):
    if not warm:
        pytest.skip("outside it is the machine's")
    told_by = []

    def loaded():
        """Whether a kernel was forked from a process that had joblib, which asks for one when it is imported."""
        manager, client = start_new_kernel(True)
        ask = "import sys; print('joblib' in sys.modules)\nimport joblib.parallel as one; print(one.mp is not None)"
        told_by.append(told(client, ask))
        manager.shutdown_kernel(now=True)
        return told_by[-1].startswith("True")

    wait_for(loaded)
    assert told_by[-1] == "True\nTrue\n"


def test_an_isolated_kernel_s_folders_hold_so_many_files(warm):
    if not warm:
        pytest.skip("limits are the sandbox's")
    manager, client = start_new_kernel(True)
    try:
        ask = "import os; print({os.statvfs(path).f_files for path in ('/tmp', '/home/student', '/dev/shm')})"
        assert told(client, ask) == "{65536}\n"
    finally:
        manager.shutdown_kernel(now=True)


@pytest.mark.slow
def test_marks_are_those_of_cold_kernels(built):
    built.hand_in("full", {"double": "def double(x):\n    return 2 * x"})
    built.hand_in("square", {"double": "def double(x):\n    return x * x"})
    marks = {}
    for warm in (True, False):
        with (built.root / "nbgrader_config.py").open("a") as file:
            file.write(f"\nc.AskingExecute.warm = {warm}\n")
        done = built.course("grade", "--force", "--unsafe")
        assert done.returncode == 0, done.stderr
        marks[warm] = {student: scores(built, student) for student in ("full", "square")}
    assert marks[True] == marks[False]
    assert marks[True]["full"]["double"] == 2
    assert marks[True]["square"]["double"] < 2


def test_a_server_that_ended_is_replaced_and_none_is_left_behind(warm):
    first, client = start_new_kernel(warm)
    ended = SERVERS.ready(warm).process
    ended.stdin.close()
    wait_for(lambda: not running(ended.pid))
    second, other = start_new_kernel(warm)
    try:
        assert told(other, "print('here')") == "here\n"
        assert SERVERS.ready(warm).process is not ended
        assert not first.is_alive()
    finally:
        for manager in (first, second):
            manager.shutdown_kernel(now=True)


@pytest.mark.parametrize("sent", [b"x" * 10_000, b""], ids=["a line without end", "nothing"])
def test_a_server_that_says_nothing_readable_is_not_waited_for(tmp_path, monkeypatch, sent):
    monkeypatch.setattr("autograder.sandbox.kernels.PATIENCE", 0.5)
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(tmp_path / "server"))
        listening.listen()
        listening.settimeout(10)

        def serve():
            connection, _ = listening.accept()
            connection.sendall(sent)
            kept.append(connection)

        kept: list[socket.socket] = []
        thread = threading.Thread(target=serve)
        thread.start()
        with pytest.raises((ValueError, TimeoutError)):
            WarmServer(tmp_path / "server").ask({"cwd": None})
        thread.join()
        kept[0].close()


def test_an_isolated_kernel_has_a_clock_that_neighbours_do_not_push(warm):
    if not warm:
        pytest.skip("the clock is the sandbox's")
    manager, client = start_new_kernel(warm)
    process = manager.provisioner.process
    assert process.clock is not None  # from the first question on

    def passed(code):
        process.poll()
        before = process.clock
        told(client, code)
        time.sleep(0.5)  # until the clock has been told
        process.poll()
        return process.clock - before

    busy = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(6)]
    try:
        work = "import time\nspent = time.process_time()\nwhile time.process_time() - spent < 1:\n    pass"
        assert 0.8 < min(passed(work) for _ in range(3)) < 3  # on the wall at least 3.5, on two cores
        assert passed("import time; time.sleep(2)") > 1.5
        children = "import subprocess, sys\nwork = 'import time\\nwhile time.process_time() < 1: pass'\n"
        assert passed(children + "for _ in range(2):\n    subprocess.run([sys.executable, '-c', work])") > 1.5
    finally:
        for one in busy:
            one.kill()
            one.wait()
        manager.shutdown_kernel(now=True)
