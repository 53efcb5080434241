"""`course similar`: twins are found under any names, what the course gave counts for nothing, all is shown safely."""

import random
import re
import shutil
import tarfile
import time
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autograder.course.paths import OWN
from autograder.similarity.report import compare_class, compare_terms, page
from autograder.similarity.tokens import given_names, tokens
from autograder.similarity.winnowing import WINDOW, K, alike, passages
from autograder.term.backup import kept_submissions
from autograder.verification import samples
from benchmarks.similarity import DISGUISES, a_class
from tests.conftest import TinyCourse

HW = OWN.assignment("hw4_gru_gradients")
VERDICTS = re.compile(r"plagiar|cheat|cop(y|ied|ies)|guilt|suspect|dishonest", re.IGNORECASE)
MINE = '''def halve(x):
    """Half."""
    total, count = 0.0, 0
    for k, entry in enumerate(x.ravel()):
        if entry > limit and k % 2 == 0:
            total += entry * 0.5 - count
            count = max(count + 1, int(total) // 3)
        elif entry < -limit or k == 7:
            total -= entry / (count + 2)
    while total > 1.5:
        total = total ** 0.5 + np.tanh(total - count)
    return {"total": total, "count": [count, count - 1, x.size]}
'''
RENAMED = """def halve(values):
    # mine
    acc, seen = 0.0, 0
    for i, v in enumerate(values.ravel()):

        if (v > bound and i % 2 == 0):
            acc += (v * 0.5
                    - seen)  # less
            seen = max(seen + 1, int(acc) // 3)
        elif v < -bound or i == 7: acc -= v / (seen + 2)
    while acc > 1.5: acc = acc ** 0.5 + np.tanh(acc - seen)
    return {'total': acc, 'count': [seen, seen - 1, values.size]}
"""
OTHER = """def halve(x):
    middle = np.asarray(x).copy()
    middle[middle < 0] *= 3
    order = np.argsort(middle, axis=0)[::-1]
    try:
        weights = np.linspace(1, 0, len(order)) @ middle[order]
    except ValueError as error:
        raise ValueError(f"no order for {x.shape}") from error
    return np.where(weights > 0, np.log1p(weights), weights.mean())
"""


def names(pair):
    return tuple(work.student for work in pair.works)


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    """A built tiny course; each test hands in anew."""
    return TinyCourse.built(tmp_path_factory.mktemp("similar") / "course")


@pytest.fixture
def compared(course):
    """Hands in {student: source of `halve`} and compares the class."""
    shutil.rmtree(course.root / "submitted", ignore_errors=True)
    assignment = course.own.assignment(course.name)

    def compare(works, students=("*",)):
        for student, source in works.items():
            notebook = samples.filled_notebook(assignment, {"halve": source})
            samples.hand_in(course.root, student, assignment, notebook)
        return compare_class(course.root, assignment, students)

    return compare


def test_a_renamed_twin_stands_above_every_independent_pair(compared):
    found = compared({"student-01": MINE, "student-02": OTHER, "student-03": RENAMED})
    assert names(found.pairs[0]) == ("student-01", "student-03")
    assert found.pairs[0].shares == (1.0, 1.0)
    assert all(pair.likeness < 0.1 for pair in found.pairs[1:])


@pytest.mark.parametrize("kind", [kind for kind in DISGUISES if "half" not in kind and "every" not in kind])
def test_disguised_twins_of_hw4_stand_above_independent_pairs(kind, hw4_class):
    works, twins, pairs = hw4_class
    ranked = [names(pair) for pair in pairs]
    independent = next(rank for rank, pair in enumerate(ranked) if pair not in twins)
    assert ranked.index(next(pair for pair, disguise in twins.items() if disguise == kind)) < independent


@pytest.fixture(scope="module")
def hw4_class():
    """A class of hw4 with a twin of each kind, compared with what the course gives set aside.

    Of a student who wrote nearly what the course has written nothing is left to compare: no twin in this class has one.
    """
    works, twins = a_class(random.Random(4), HW, 30)
    released = samples.filled_notebook(HW, {}).cells
    code = [cell.source for cell in released if cell.cell_type == "code"]
    course = {source for sample in samples.sample_submissions(HW) for source in sample.cells.values()} | set(code)
    return works, twins, alike(works, course, given_names(code))


@pytest.mark.parametrize("kind", ["solution", "release", "alternative", "misconception"])
def test_what_the_course_wrote_is_no_evidence(compared, course, kind):
    assignment = course.own.assignment(course.name)
    texts = {sample.kind: sample.cells for sample in samples.sample_submissions(assignment)}[kind]
    for student in ("student-01", "student-02"):
        samples.hand_in(course.root, student, assignment, samples.filled_notebook(assignment, texts))
    assert compared({}).pairs == []


def test_what_many_have_is_no_evidence_and_what_few_have_is(compared):
    few = {f"student-{k:02d}": MINE for k in range(5)}
    assert len(compared(few).pairs) == 10
    assert compared(few | {"student-05": MINE}).pairs == []


def test_the_order_of_hand_ins_changes_nothing():
    one = {"student-01": {"a": MINE}, "student-02": {"a": RENAMED}, "student-03": {"a": MINE + OTHER}}
    other = {name: one[name] for name in reversed(one)}
    forward = {frozenset(names(p)): (dict(zip(names(p), p.shares, strict=True)), p.likeness) for p in alike(one)}
    backward = {frozenset(names(p)): (dict(zip(names(p), p.shares, strict=True)), p.likeness) for p in alike(other)}
    assert len(forward) == 3
    assert forward == backward


WORDS = st.sampled_from("if else for in while not and or is + - * / % < > [ ] , : 1 2 3".split())  # noqa: SIM905


@settings(max_examples=200, deadline=None)
@given(
    run=st.lists(WORDS, min_size=WINDOW + K - 1, max_size=40),
    around=st.tuples(*[st.lists(WORDS, max_size=30)] * 4),
    known=st.lists(WORDS, max_size=40),
)
def test_a_shared_run_as_long_as_the_guarantee_shares_a_fingerprint(run, around, known):
    before, after, other_before, other_after = around
    works = {
        "student-01": {"a": " ".join(before + run + after)},
        "student-02": {"b": " ".join(other_before + run + other_after)},
    }
    assert len(alike(works)) == 1
    grams = {tuple(run[i : i + K]) for i in range(len(run) - K + 1)}
    given_ones = {tuple(known[i : i + K]) for i in range(len(known) - K + 1)}
    if grams - given_ones:  # the course's own text hides what stands in it, and no more
        assert len(alike(works, [" ".join(known)])) == 1


@settings(max_examples=100, deadline=None)
@given(st.lists(WORDS, max_size=K - 1), st.lists(WORDS, max_size=30))
def test_less_than_k_tokens_are_never_alike(run, rest):
    assert alike({"student-01": {"a": " ".join(run)}, "student-02": {"a": " ".join(run + rest)}}) == []


def test_tokens_forget_names_layout_comments_and_docstrings_and_nothing_else():
    first = 'def f(x):\n    """One."""\n    y = np.tanh(x @ p["W"] + 1)  # a\n    return y, f"{y!r} b"\n'
    same = "def f(aa): # b\n  bb = (np.tanh(aa@p['W']\n   + 1)); return bb, f\"{bb!r} d\"\n"
    known = given_names(["def f(x):\n    x['W']"])
    assert [symbol for symbol, _ in tokens(first, known)] == [symbol for symbol, _ in tokens(same, known)]
    for old, new in (
        ("tanh", "sinh"),
        ('"W"', '"V"'),
        ("+ 1", "+ 2"),
        ("@", "*"),
        ("def f", "def g"),
        ("return", "yield"),
    ):
        assert [symbol for symbol, _ in tokens(first.replace(old, new), known | {"g", "'V'"})] != [
            symbol for symbol, _ in tokens(first, known)
        ], old


@given(st.text(max_size=200))
def test_no_text_stops_the_tokens(text):
    assert all(1 <= line <= text.count("\n") + 1 for _, line in tokens(text))


@pytest.mark.parametrize("broken", ["    return (\n", "x = '''\n", "if x:\n  y\n z\n", "café $ ? `\n"])
def test_code_that_is_no_python_is_compared_all_the_same(broken):
    [pair] = alike({"student-01": {"a": MINE + broken}, "student-02": {"a": RENAMED + broken}})
    assert min(pair.shares) > 0.8


def test_passages_name_the_lines_of_both(compared):
    found = compared({"student-01": "import os\n\n\n" + MINE, "student-02": RENAMED})
    lines = {passage.lines for passage in passages(found.pairs[0])}
    assert ((4, 15), (1, 12)) in lines
    assert {passage.cells for passage in passages(found.pairs[0])} == {("halve", "halve")}


def test_code_that_moved_to_another_cell_is_found():
    [pair] = alike({"student-01": {"a": MINE, "b": ""}, "student-02": {"a": "", "b": RENAMED}})
    assert {passage.cells for passage in passages(pair)} == {("a", "b")}


class Seen(HTMLParser):
    """Elements and the text of a page."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.attributes, self.text = [], [], ""
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs

    def handle_data(self, data):
        self.text += data


def test_the_page_shows_code_and_names_as_text_and_needs_nothing_else(compared):
    evil = MINE.replace("Half.", "</code><script>alert(1)</script><img src=x onerror=alert(2)>{{ 7 * 7 }}")
    name = "<b onclick='x'>&amp;"
    text = page(compared({name: evil, "student-02": evil}))
    seen = Seen(text)
    assert not {"script", "img", "link", "iframe", "b", "object"} & set(seen.tags)
    assert not [key for key, value in seen.attributes if key.startswith("on") or key == "src"]
    assert all(value.startswith("#") for key, value in seen.attributes if key == "href")
    assert not re.search(r"url\(|@import|https?:", text)
    assert "<script>alert(1)</script>" in seen.text
    assert "{{ 7 * 7 }}" in seen.text
    assert name in seen.text
    assert ("class", "alike") in seen.attributes
    assert "=1" in seen.text  # a sign beside the colour
    assert "prefers-color-scheme: dark" in text
    assert "@media print" in text


def test_the_command_lists_pairs_writes_the_page_and_gives_no_verdict(compared, course, monkeypatch):
    compared({"student-01": MINE, "student-02": RENAMED, "student-03": OTHER})
    monkeypatch.setenv("COLUMNS", "100")
    done = course.course("similar", course.name, "--output", "alike.html")
    assert done.returncode == 0, done.stderr
    shown = done.stdout
    assert re.search(r"student-01.*100%.*student-02.*100%", shown)
    assert "student-03" not in shown
    assert "Short correct answers are alike by nature" in shown
    text = (course.root / "alike.html").read_text(encoding="utf-8")
    assert "Short correct answers are alike by nature" in text
    assert not VERDICTS.search(shown + text)
    done = course.course("similar", course.name, "--students", "student-0[23]")
    assert (done.returncode, "submissions have enough in common" in done.stdout) == (0, True)
    done = course.course("similar", course.name, "--students", "nobody")
    assert (done.returncode, "0 submissions match 'nobody'" in done.stderr) == (2, True)


def test_matches_with_an_earlier_term_are_listed_and_none_within_it(compared, course):
    compared({"student-01": MINE, "student-02": MINE})
    assert course.course("backup", "--output=2027-spring.tar.gz").returncode == 0
    compared({})
    shutil.rmtree(course.root / "submitted")
    compared({"student-01": RENAMED, "student-03": OTHER})
    before = sorted(course.root.rglob("*"))
    assignment, archive = course.own.assignment(course.name), course.root / "2027-spring.tar.gz"
    found = compare_terms(course.root, assignment, archive)
    assert (found.works, found.earlier, found.term) == (2, 2, "2027-spring")
    assert [names(pair) for pair in found.shown] == [("student-01", "student-01"), ("student-01", "student-02")]
    assert all(pair.shares == (1.0, 1.0) for pair in found.shown)
    assert sorted(course.root.rglob("*")) == before
    done = course.course("similar", course.name, "--earlier", "2027-spring.tar.gz", "--output", "alike.html")
    assert done.returncode == 0, done.stderr
    assert "no two of 2 submissions have enough in common" in done.stdout
    assert re.search(r"student-01.*100%.*student-02.*100%", done.stdout)
    text = Seen((course.root / "alike.html").read_text(encoding="utf-8")).text
    assert "student-01 and student-02 of 2027-spring" in text
    assert not VERDICTS.search(done.stdout + text)


def test_of_an_earlier_term_s_archive_ordinary_files_are_read_and_nothing_is_left(compared, course, tmp_path):
    compared({"student-01": MINE, "student-02": OTHER})
    link, archive = tmp_path / "link", tmp_path / "odd.tar.gz"
    link.symlink_to(course.submitted("student-01"))
    with tarfile.open(archive, "w:gz") as file:
        for student, path in {"student-01": course.submitted("student-01"), "student-03": link}.items():
            file.add(path, f"submitted/{student}/{course.name}/{course.name}.ipynb")
    kept = [(student, [*folder.rglob("*.ipynb")]) for student, folder in kept_submissions(archive, course.name, 10**6)]
    assert [student for student, _ in kept] == ["student-01"]
    assert not kept[0][1][0].exists()
    assert [*kept_submissions(archive, course.name, 10)] == []  # what is too large is never unpacked
    (tmp_path / "text.tar.gz").write_text("no archive")
    for name, told in (("text", "is no backup that can be read"), ("none", "is no backup that can be read")):
        done = course.course("similar", course.name, "--earlier", str(tmp_path / f"{name}.tar.gz"))
        assert (done.returncode, told in done.stderr, done.stderr.count("\n")) == (2, True, 1), done.stderr
    with tarfile.open(tmp_path / "empty.tar.gz", "w:gz") as file:
        file.add(link, "submitted/../../evil/hw0_tiny/hw0_tiny.ipynb")
    done = course.course("similar", course.name, "--earlier", str(tmp_path / "empty.tar.gz"))
    assert (done.returncode, "holds no submission of hw0_tiny" in done.stderr) == (2, True), done.stderr


def test_broken_and_hostile_hand_ins_stop_nothing(compared, course):
    for student, text in {
        "student-03": "no json",
        "student-04": '{"cells": [1, {"source": 3}]}',
        "student-05": "",
    }.items():
        course.submitted(student).parent.mkdir(parents=True)
        course.submitted(student).write_text(text)
    course.submitted("student-06").parent.mkdir(parents=True)
    course.submitted("student-06").symlink_to(course.submitted("student-01"))
    again = "def halve(x):\n" + "    x = x + 1 * [2, 3]\n" * 20_000
    started = time.perf_counter()
    found = compared({"student-01": MINE, "student-02": RENAMED, "student-07": again, "student-08": again})
    page(found)
    assert time.perf_counter() - started < 60
    assert {("student-01", "student-02"), ("student-07", "student-08")} == {names(pair) for pair in found.pairs}
    assert found.works == 6  # what cannot be read is told, and compared with nobody
