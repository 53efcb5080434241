"""The whole round over nbgrader's exchange with two students: the commands of docs/hub.md, in that page's order."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import nbformat
import pytest
from nbgrader.api import Gradebook

from autograder.course.paths import ROOT
from tests.conftest import TinyCourse, scores
from tests.test_grading import CLASS

STUDENTS = ("student-01", "student-02")
PAGE = (ROOT / "docs" / "hub.md").read_text(encoding="utf-8")
ROUND = PAGE.partition("## The round")[2].partition("\n## ")[0]


def commands() -> list[list[str]]:
    """The commands of the round, word by word, for the tiny course."""
    blocks = re.findall(r"^```\n(.*?)^```", ROUND, re.S | re.M)
    short = TinyCourse.name.partition("_")[0]
    text = "".join(blocks).replace("hw4_gru_gradients", TinyCourse.name).replace("grade hw4", f"grade {short}")
    return [shlex.split(line, comments=True) for line in text.splitlines()]


class Hub:
    """A course, an exchange and two students' homes."""

    def __init__(self, course: TinyCourse, folder):
        self.course, self.folder = course, folder
        for name in ("exchange", "etc", *STUDENTS):
            (folder / name).mkdir()
        (folder / "exchange").chmod(0o777)
        (told,) = re.findall(r"^```python\n(c = get_config\(\)\n.*?)^```", PAGE, re.S | re.M)
        settings = told.replace("/srv/nbgrader/exchange", str(folder / "exchange"))
        assert settings != told
        (folder / "etc" / "nbgrader_config.py").write_text(settings)
        for student in STUDENTS:  # all are one user of this machine, by whose name nbgrader would call them
            (folder / student / "nbgrader_config.py").write_text(
                f"c = get_config()\nc.CourseDirectory.student_id = {student!r}\n"
            )
        self.env = {**course.env(), "JUPYTER_CONFIG_PATH": str(folder / "etc")}

    def type(self, words: list[str]) -> None:
        """Run a command as the one whom it is for: with `.venv/bin/` the instructor, else each student."""
        program, *arguments = words
        if program == ".venv/bin/course":
            assert self.course.course(*arguments).returncode == 0
        elif program == ".venv/bin/nbgrader":
            self._nbgrader(arguments, self.course.root, self.env)
        else:
            with ThreadPoolExecutor() as pool:
                list(pool.map(lambda student: self.as_student(student, arguments), STUDENTS))

    def as_student(self, student: str, arguments: list[str]) -> None:
        home = self.folder / student
        self._nbgrader(arguments, home, self.env | {"HOME": str(home)})

    def _nbgrader(self, arguments, folder, env) -> None:
        call = [sys.executable, "-m", "nbgrader", *arguments]
        done = subprocess.run(call, cwd=folder, env=env, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, (arguments, done.stderr[-2000:])

    def work(self, student: str, kind: str) -> None:
        """The student writes one of the class's answers into the notebook."""
        path = self.folder / student / self.course.name / f"{self.course.name}.ipynb"
        notebook = nbformat.read(path, as_version=4)
        for cell in notebook.cells:
            cell.source = {**CLASS[kind], "why": f"{student} wrote this"}.get(cell.id, cell.source)
        nbformat.write(notebook, path)

    def mark(self, points: dict[str, float]) -> None:
        """Give points for the written answer, as the formgrader does."""
        with Gradebook(f"sqlite:///{self.course.root / 'gradebook.db'}") as gradebook:
            for student, given in points.items():
                grade = gradebook.find_grade("why", self.course.name, self.course.name, student)
                assert grade.needs_manual_grade
                grade.manual_score, grade.needs_manual_grade = given, False
                gradebook.find_comment("why", self.course.name, self.course.name, student).manual_comment = "Noted."
            gradebook.db.commit()


@pytest.fixture(scope="module")
def hub(tmp_path_factory):
    """A hub after the whole round; the first student has handed in twice."""
    folder = tmp_path_factory.mktemp("hub")
    course = TinyCourse.built(folder / "course")
    (course.root / "release" / course.name / "words.txt").write_text("data that the course hands out\n")
    hub = Hub(course, folder)
    for words in commands():
        if words[:2] == ["nbgrader", "submit"]:
            hub.work("student-01", "untouched")
            hub.work("student-02", "square")
            hub.type(words)
            hub.type([".venv/bin/nbgrader", "collect", course.name])
            hub.work("student-01", "full")
            hub.as_student("student-01", words[1:])
            continue
        if words[1] == "generate_feedback":
            hub.mark({"student-01": 2.0, "student-02": 0.5})
        hub.type(words)
    return hub


def test_the_page_s_round_is_the_whole_one():
    typed = [f"{'' if words[0].startswith('.venv') else 'student: '}{words[1]}" for words in commands()]
    assert typed == [
        "release_assignment",
        "student: fetch_assignment",
        "student: submit",
        "collect",
        "grade",
        "generate_feedback",
        "release_feedback",
        "student: fetch_feedback",
    ]


def test_each_student_gets_their_own_page(hub):
    for student, other in (STUDENTS, STUDENTS[::-1]):
        (page,) = (hub.folder / student / hub.course.name / "feedback").rglob("*.html")
        text = page.read_text()
        assert f"{student} wrote this" in text
        assert f"{other} wrote this" not in text
        assert "Noted." in text
        assert ("The square stands where twice the value is asked." in text) == (student == "student-02")


def test_what_was_handed_in_last_is_graded_with_its_time(hub):
    assert scores(hub.course, "student-01")["double"] == 2
    assert scores(hub.course, "student-02")["double"] < 2
    for student in STUDENTS:
        told = hub.course.submitted(student).with_name("timestamp.txt").read_text().strip()
        with Gradebook(f"sqlite:///{hub.course.root / 'gradebook.db'}") as gradebook:
            kept = gradebook.find_submission(hub.course.name, student).timestamp
        assert told.startswith(kept.isoformat(" "))


def test_what_the_exchange_and_the_release_bring_is_no_repair(hub):
    for student in STUDENTS:
        brought = {path.name for path in hub.course.submitted(student).parent.iterdir()}
        assert {"timestamp.txt", "submission_secret.txt", "README.md", "words.txt"} <= brought
        graded = hub.course.root / "autograded" / student / hub.course.name / f"{hub.course.name}.ipynb"
        assert nbformat.read(graded, as_version=4).metadata["course"]["repairs"] == []
