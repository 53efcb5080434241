"""Every attack on the real path, as root (where the tests run as root) and as an ordinary user."""

from __future__ import annotations

import contextlib
import hashlib
import re
import shutil
import socket
import socketserver
import subprocess
import threading
from pathlib import Path

import pytest
from nbgrader.api import Gradebook

from tests.attacks.attacks import ATTACKS, CANARIES, DOUBLE, GRADEBOOK, HALVE, NEIGHBOUR, NOT_GRADED, SECRET
from tests.attacks.courses import NEEDS_ISOLATION, course_for, graded_by, hand_in, runs
from tests.browser import jupyter_server
from tests.conftest import scores, thorough
from tests.processes import wait_for

pytestmark = NEEDS_ISOLATION


class Greeter(socketserver.BaseRequestHandler):
    """Notes that somebody came."""

    came: list = []

    def handle(self) -> None:
        """Note it."""
        self.came.append(self.client_address)


class Version6(socketserver.TCPServer):
    """A server on IPv6."""

    address_family = socket.AF_INET6


def listening() -> list[socketserver.TCPServer]:
    """Servers that an attack on the network would reach, on IPv4's loopback and on IPv6's, at one port."""
    servers = [socketserver.TCPServer(("127.0.0.1", 0), Greeter)]
    with contextlib.suppress(OSError):  # a machine without IPv6 has nothing to reach
        servers.append(Version6(("::1", servers[0].server_address[1]), Greeter))
    for server in servers:
        threading.Thread(target=server.serve_forever, daemon=True).start()
    return servers


def opened(course) -> Gradebook:
    """The course's gradebook."""
    return Gradebook(f"sqlite:///{course.root / 'gradebook.db'}")


# ten seconds each and more: in `make test-all` alone
HEAVY = ("patched-run-cell", "a-hundred-megabytes-of-output")
GRADED = [name for name in ATTACKS if thorough() or name not in HEAVY]


@pytest.fixture(scope="module", params=runs("attacks"))
def graded(request, tmp_path_factory):
    """The class of attackers and one neighbour, graded once."""
    course = course_for(request.param, tmp_path_factory.mktemp("attacks") / "course")
    (course.root / ".course_secret").write_text(SECRET)
    servers = listening()
    words = {"__PORT__": str(servers[0].server_address[1]), "__ROOT__": str(course.root)}
    hand_in(course, "neighbour", {"double": DOUBLE + f"\n# {NEIGHBOUR}", "halve": HALVE}, words)
    assert graded_by(request.param, course).returncode == 0
    with opened(course) as gradebook:
        gradebook.update_or_create_student("neighbour", first_name=GRADEBOOK)
    for name in GRADED:
        attack = ATTACKS[name]
        path = hand_in(course, name, attack.cells, words)
        if attack.folder:
            attack.folder(path.parent)
    with (course.root / "nbgrader_config.py").open("a") as file:
        file.write("\nc.Execute.timeout = 3\nc.Execute.grace = 1\n")
    before = files(course)
    done = graded_by(request.param, course)
    assert done.returncode == 1, done.stderr[-3000:]  # some cannot be read
    course.told = done.stdout + done.stderr
    course.files_before, course.files_after = before, files(course)
    course.feedback()
    yield course
    for server in servers:
        server.shutdown()
    shutil.rmtree(course.root, ignore_errors=True)


def files(course):
    """A digest of every file of the course that grading has no business with."""
    left_out = {"autograded", "feedback", "gradebook.db", "not_graded.csv", "__pycache__", ".grading.lock", ".jupyter"}
    found = {}
    for path in sorted(course.root.rglob("*")):
        if path.is_file() and not path.is_symlink() and not left_out & set(path.relative_to(course.root).parts):
            found[str(path.relative_to(course.root))] = hashlib.sha256(path.read_bytes()).hexdigest()
    return found


@pytest.fixture(scope="module")
def marks(graded):
    """Points per student and question, from the gradebook."""
    return {student: scores(graded, student) for student in ("neighbour", *GRADED)}


def feedback(graded, student):
    return (graded.root / "feedback" / student / graded.name / f"{graded.name}.html").read_text()


@pytest.mark.parametrize("name", GRADED)
def test_an_attack_earns_what_its_right_cells_deserve(graded, marks, name):
    found = tuple(marks[name].get(question) for question in ("double", "halve", "total"))
    assert found == ATTACKS[name].earns


@pytest.mark.parametrize("name", GRADED)
def test_feedback_holds_no_canary_and_says_what_was_put_right(graded, name):
    if ATTACKS[name].earns == NOT_GRADED:
        assert any(name in line and ATTACKS[name].says in line for line in graded.told.splitlines())
        return
    page = feedback(graded, name)
    assert not [word for word in CANARIES if word in page]
    assert ATTACKS[name].says in page


def test_the_neighbour_and_the_course_are_untouched(graded, marks):
    assert [marks["neighbour"][question] for question in ("double", "halve", "total")] == [2, 3, 1]
    assert graded.files_after == graded.files_before
    with opened(graded) as gradebook:
        assert gradebook.find_student("neighbour").first_name == GRADEBOOK


def test_nobody_reached_the_network(graded):
    assert not Greeter.came


@pytest.mark.parametrize("place", ["127.0.0.1", "::1"])
def test_who_reaches_it_would_be_noted(place):
    servers = listening()
    if len(servers) == 1 and place == "::1":
        pytest.skip("no IPv6 here")
    before = len(Greeter.came)
    socket.create_connection((place, servers[0].server_address[1]), timeout=5).close()
    wait_for(lambda: len(Greeter.came) > before)
    del Greeter.came[before:]
    for server in servers:
        server.shutdown()
        server.server_close()


def test_nothing_outlives_the_grading(graded):
    left = []
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            if entry.name.isdigit() and str(graded.root) in (entry / "cmdline").read_text():
                left.append(entry.name)  # kernels carry the command line of the server that they were forked from
    assert not left


def test_the_terminal_shows_no_control_characters(graded):
    assert "\x1b]" not in graded.told
    assert "<script>" not in graded.told


CHROMIUM = shutil.which("chromium")
SCRIPTED = ("script-in-outputs", "script-in-an-answer", "names-with-newlines")


def seen(url, folder):
    """A page's DOM after its scripts have run."""
    call = [
        CHROMIUM,
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--no-first-run",
        "--disable-background-networking",
    ]
    call += [f"--user-data-dir={folder}", "--virtual-time-budget=5000", "--dump-dom", url]
    return subprocess.run(call, capture_output=True, text=True, timeout=120, check=True).stdout


@pytest.mark.browser
@pytest.mark.skipif(CHROMIUM is None, reason="no chromium here")
def test_a_script_would_be_seen(tmp_path):
    (tmp_path / "page.html").write_text("<title>fine</title><script>document.title = 'stolen'</script>")
    assert "<title>stolen</title>" in seen((tmp_path / "page.html").as_uri(), tmp_path / "profile")


@pytest.mark.browser
@pytest.mark.skipif(CHROMIUM is None, reason="no chromium here")
@pytest.mark.parametrize("name", SCRIPTED)
def test_no_script_of_a_student_s_runs_in_the_feedback(graded, name, tmp_path):
    page = graded.root / "feedback" / name / graded.name / f"{graded.name}.html"
    dom = seen(page.as_uri(), tmp_path / "profile")
    assert f"<title>{graded.name}</title>" in dom
    assert "<script>document.title" not in dom
    assert "onerror=" not in re.sub(r"<(code|pre)\b.*?</\1>", "", dom, flags=re.DOTALL).replace(
        "&lt;img src=x onerror=", ""
    )


@pytest.fixture(scope="module")
def formgrader(graded):
    """A function from student to the address of the page on which the formgrader shows the submission."""
    with jupyter_server(graded) as server:

        def address(student):
            with opened(graded) as gradebook:
                number = gradebook.find_submission_notebook(graded.name, graded.name, student).id
            return f"{server}/formgrader/submissions/{number}/?token=known"

        yield address


@pytest.mark.browser
@pytest.mark.skipif(CHROMIUM is None, reason="no chromium here")
@pytest.mark.parametrize("name", SCRIPTED)
def test_no_script_of_a_student_s_runs_in_the_formgrader(formgrader, name, tmp_path):
    dom = seen(formgrader(name), tmp_path / "profile")
    assert "def halve(x)" in re.sub("<[^>]*>", "", dom)  # the page shows the submission
    assert "<title>stolen</title>" not in dom
    assert "<script>document.title" not in dom


def test_the_table_of_attacks_is_what_the_tests_hold():
    rows = (Path(__file__).parents[2] / "docs" / "security.md").read_text().split("\n")
    table = {row.split(" | ")[0].removeprefix("| "): row.split(" | ")[-1].removesuffix(" |") for row in rows}
    assert {name: table.get(name) for name in ATTACKS} == {
        name: "not graded" if attack.earns == NOT_GRADED else ", ".join(map(str, attack.earns))
        for name, attack in ATTACKS.items()
    }
