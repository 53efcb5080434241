"""Marking by question: `course mark`, its page in Chromium and what it asks its server, and nbgrader's gradebook."""

import contextlib
import csv
import http.cookiejar
import json
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import urllib.error
import urllib.request

import pytest
from nbgrader.api import Gradebook

from tests.browser import accessible_on_a_phone, chromium_page
from tests.conftest import NOTEBOOK, TinyCourse

QUESTION = "Why is twice the half the whole?"
ITEMS = """\
Because 2 / 2 = 1.
#
# Rubric:
#
# - 1: the product $2 \\cdot x$
# - 0.5: the quotient
# - 0.5: a
#   reason"""
HOSTILE = (
    "<script>document.title = 'ran'</script><img src=x onerror=\"document.title='ran'\">"
    "<b onmouseover=\"document.title='ran'\">z</b> [x](javascript:document.title='ran') </div></section>"
)
ANSWERS = {
    "student-01": "Because 2 / 2 = 1.",
    "student-02": "because  2 / 2\n= 1.",
    "student-03": "BECAUSE 2 / 2 = 1.",
    "student-04": "Take $\\frac{x}{2}$ and double it.\n\n- It is *x* again.",
    "student-05": "It is z*h and then D*z.",
    "student-06": HOSTILE,
}


@pytest.fixture(scope="module")
def graded(tmp_path_factory):
    """A course in which six students have answered, three of them the same, one with script, and one has not."""
    course = TinyCourse(tmp_path_factory.mktemp("marking") / "course")
    course.edit("notebook.py", "Because 2 / 2 = 1. 1 point for the product, 1 point for the quotient.", ITEMS)
    done = course.course("build")
    assert done.returncode == 0, done.stderr
    for student, answer in ANSWERS.items():
        course.hand_in(student, {"why": f"{QUESTION}\n\n{answer}"})
    course.hand_in("student-07", {})
    with Gradebook(f"sqlite:///{course.root}/gradebook.db") as gradebook:
        gradebook.add_student("student-05", first_name="First", last_name="Five")
    done = course.course("grade", "--no-explanations")
    assert done.returncode == 0, done.stderr
    return course


@pytest.fixture
def course(graded, tmp_path):
    """A copy of it, with nothing marked yet."""
    return TinyCourse.copy_of(graded, tmp_path / "marked")


@contextlib.contextmanager
def served(course, question="why"):
    """The address that `course mark` prints, while it runs; Ctrl-C ends it without an error."""
    call = [sys.executable, "-m", "autograder.cli", "mark", course.name, question, "--no-browser"]
    running = subprocess.Popen(call, cwd=course.root, env=course.env(), stdout=subprocess.PIPE, text=True)
    try:
        yield re.search(r"http://127\.0\.0\.1:\d+/\?token=\S+", running.stdout.readline())[0]
    finally:
        running.send_signal(signal.SIGINT)
        assert running.wait(60) == 0


class Marker:
    """A browser without a window: cookies, the page's token, JSON."""

    def __init__(self, address):
        self.root = address.partition("?")[0]
        self.opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar()))
        self.page = self.opener.open(address).read().decode()
        self.xsrf = re.search(r'data-xsrf="(.+?)"', self.page)[1]

    def ask(self, path, body=None, **headers):
        """The status and the answer to a request."""
        data = json.dumps({"browser": str(id(self)), **body}).encode() if body else None
        headers = {"X-XSRFToken": self.xsrf, "Content-Type": "application/json"} | headers
        try:
            answer = self.opener.open(urllib.request.Request(self.root + path, data, headers))
        except urllib.error.HTTPError as refused:
            text = refused.read().decode()
            return refused.code, json.loads(text) if text.startswith("{") else text
        return answer.status, json.loads(answer.read())

    def groups(self, opened=""):
        """The groups of answers, by their first student."""
        state = self.ask(f"state?browser={id(self)}&open={opened}")[1]
        return {group["students"][0][0]: group for group in state["groups"]}

    def mark(self, group, ticked=(), points=None, own="", **more):
        """Save a mark for a group as it was seen."""
        wanted = {"members": group["members"], "seen": group["seen"], "ticked": list(ticked), "points": points}
        return self.ask("save", {"marks": [wanted | {"own": own} | more]})


def marks(course):
    """Of each student: points by hand, whether it waits, and the comment."""
    with Gradebook(f"sqlite:///{course.root}/gradebook.db") as gradebook:
        found = {}
        for book in gradebook.notebook_submissions(course.name, course.name):
            grade = gradebook.find_grade("why", course.name, course.name, book.student.id)
            comment = gradebook.find_comment("why", course.name, course.name, book.student.id)
            found[book.student.id] = (grade.manual_score, grade.needs_manual_grade, comment.manual_comment)
        return found


def opened(page, address):
    page.goto(address)
    page.locator("#shown").get_by_text("2 / 2").wait_for()


def shown(page):
    """Wait for the text of the answer, as a reader does."""
    page.locator("#shown[aria-busy=false]").wait_for()


def test_without_a_question_what_waits_is_listed(course):
    done = course.course("mark", course.name)
    assert done.returncode == 0, done.stderr
    assert done.stdout == f"why  6 of 6 answers wait\nto mark one: course mark {course.name} why\n"


def test_an_assignment_without_written_questions_says_so(built):
    built.write("notebook.py", NOTEBOOK.partition('# %% [markdown] id="why"')[0])
    assert built.course("mark", built.name).stdout == "hw0_tiny has no written question\n"


def test_what_cannot_be_marked_is_one_sentence(course, built):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        for where, arguments, told in [
            (course, ["how"], "hw0_tiny has no written question 'how'; it has why"),
            (course, ["double"], "no written question 'double'"),
            (built, ["why"], "nothing of hw0_tiny is graded yet: run `course grade hw0_tiny`"),
            (course, ["why", "--port", port, "--no-browser"], f"port {port} cannot be used"),
        ]:
            done = where.course("mark", course.name, *arguments)
            assert done.returncode == 2
            assert told in done.stderr
            assert len(done.stderr.splitlines()) == 1


def test_nothing_is_answered_without_the_token_and_nothing_saved_without_the_page(course):
    with served(course) as address:
        root = address.partition("?")[0]
        for path in ("", "?token=wrong", "state?browser=1", "answer?id=1"):
            with pytest.raises(urllib.error.HTTPError) as refused:
                urllib.request.urlopen(root + path)
            assert refused.value.code == 403
            assert "student" not in refused.value.read().decode()
        answer = urllib.request.urlopen(address)
        for cookie in answer.headers.get_all("Set-Cookie"):
            assert "HttpOnly" in cookie
            assert "SameSite=Strict" in cookie
            assert "Path" not in cookie  # a hub's own pages do not get it
        assert "script-src 'nonce-" in answer.headers["Content-Security-Policy"]
        marker = Marker(address)
        group = marker.groups()["student-05"]
        assert marker.ask("save", {"marks": [group]}, **{"X-XSRFToken": "other"})[0] == 403
    assert marks(course)["student-05"] == (None, True, None)


def test_a_mark_goes_to_all_who_wrote_the_same_and_ticks_are_its_comment(course):
    with served(course) as address:
        marker = Marker(address)
        same = next(group for group in marker.groups().values() if len(group["members"]) == 3)
        status, saved = marker.mark(same, [2, 0], own="Say *why*.")
        assert (status, saved["told"]) == (200, "")
        assert (saved["state"]["marked"], saved["state"]["of"]) == (3, 6)
        again = next(group for group in saved["state"]["groups"] if len(group["members"]) == 3)
        assert (again["ticked"], again["own"], again["score"]) == ([0, 2], "Say *why*.", 1.5)
        assert saved["state"]["comments"] == ["Say *why*."]
    comment = "- 1: the product $2 \\cdot x$\n- 0.5: a reason\n\nSay *why*."
    for student in ("student-01", "student-02", "student-03"):
        assert marks(course)[student] == (1.5, False, comment)
    assert course.course("mark", course.name).stdout.startswith("why  3 of 6 answers wait\n")
    course.feedback()
    page = (course.root / "feedback" / "student-02" / course.name / f"{course.name}.html").read_text()
    assert "1.5 of 2 points" in page
    assert re.search(r"<li>0\.5: a reason</li>\s*</ul>\s*<p>Say <em>why</em>\.</p>", page)


def test_one_of_the_same_answers_can_be_marked_apart(course):
    with served(course) as address:
        marker = Marker(address)
        same = next(group for group in marker.groups().values() if len(group["members"]) == 3)
        marker.ask("apart", {"member": same["members"][1]})
        sizes = sorted(len(group["members"]) for group in marker.groups().values())
        assert sizes == [1, 1, 1, 1, 2]
        alone = next(group for group in marker.groups().values() if group["members"] == [same["members"][1]])
        marker.mark(alone, points=0.25)
        apart = alone["students"][0][0]
    given = {student: mark[0] for student, mark in marks(course).items() if mark[0] is not None}
    assert given == {apart: 0.25}


def test_a_mark_that_will_not_do_is_refused_with_a_sentence(course):
    with served(course) as address:
        marker = Marker(address)
        group = marker.groups()["student-05"]
        for wanted, told in [
            ({"points": 2.5}, "The question gives 0 to 2 points, not 2.5. Nothing is saved."),
            ({"points": -1}, "The question gives 0 to 2 points, not -1."),
            ({"points": float("nan")}, "load the page again"),
            ({"own": "x" * 30_000}, "A comment has 20000 characters at most, not 30000."),
            ({"ticked": [7]}, "load the page again"),
            ({"members": ["nobody's"]}, "load the page again"),
        ]:
            assert told in marker.mark(group, **wanted)[1]["told"]
    assert marks(course)["student-05"] == (None, True, None)


def test_of_two_markers_on_two_servers_the_second_is_told_and_sees_the_first_s(course):
    with served(course) as one, served(course) as other:
        first, second = Marker(one), Marker(other)
        seen = second.groups()["student-05"]
        first.mark(first.groups()["student-05"], [1])
        told = second.mark(seen, [0])[1]
        assert told["told"].startswith("Somebody else has marked this answer meanwhile: 0.5 points.")
        assert marks(course)["student-05"][0] == 0.5
        assert second.mark(second.groups()["student-05"], [0])[1]["told"] == ""
        assert marks(course)["student-05"][0] == 1
        assert first.groups(opened=seen["members"][0])["student-05"]["open"] is False
        assert Marker(one).groups()["student-05"]["open"] is True  # another browser has it


def test_a_gradebook_that_is_held_costs_a_sentence_and_nothing_else(course, monkeypatch):
    from autograder.course.nbgrader_api import course_directory
    from autograder.manual import desk
    from autograder.manual.questions import written_question

    monkeypatch.setattr(desk, "PATIENCE", 0)
    table = desk.Desk(course_directory(course.root), written_question(course.own.assignment(course.name), "why"))
    (group,) = [group for group in table.state("a")["groups"] if group["students"][0][0] == "student-05"]
    wanted = {**group, "points": 1, "ticked": [], "own": ""}
    with contextlib.closing(sqlite3.connect(course.root / "gradebook.db", isolation_level=None)) as held:
        held.execute("BEGIN IMMEDIATE")
        with pytest.raises(Exception, match="locked") as locked:
            table.save([wanted], "a")
        from autograder.manual.server import _sentence

        assert _sentence(locked.value).startswith("Another process has held the gradebook")
        held.execute("ROLLBACK")
    assert table.save([wanted], "a")[1] == ""
    monkeypatch.setattr(desk, "EXPIRES", -1)
    table.state("b", group["members"][0])
    assert not any(each["open"] for each in table.state("a")["groups"])


@pytest.mark.browser
def test_an_answer_that_is_on_its_way_is_asked_for_once_and_one_that_failed_again(course):
    with served(course) as address, chromium_page() as page:
        opened(page, address)
        page.locator("#ahead:not(:empty)").wait_for()  # the second is here
        with page.expect_response("**/answer?*"):  # the third, while the second is read
            page.keyboard.press("j")
        held = []
        page.route("**/answer?*", lambda route: held.append(route))
        with page.expect_request("**/answer?*"):  # for the fourth, while the third is read
            page.keyboard.press("j")
        page.keyboard.press("j")
        page.get_by_text("Answer 4 of 4").wait_for()
        page.wait_for_timeout(300)  # in which a second request would come
        (route,) = held
        route.abort()
        page.get_by_text("The server does not answer").wait_for()
        page.unroute("**/answer?*")
        page.keyboard.press("k")
        page.keyboard.press("j")
        shown(page)
        assert page.locator("#shown").inner_text() not in ("", "…")


@pytest.mark.browser
def test_three_answers_are_marked_by_keys_alone(course):
    with served(course) as address, chromium_page() as page:
        asked = []
        page.on("request", lambda request: asked.append(request.url))
        opened(page, address)
        assert "token" not in page.url
        assert page.locator("#place").inner_text() == "Answer 1 of 4, written by 3 students"
        assert "student-0" not in page.locator("main").inner_text()
        before = len(asked)
        for keys in (["1", "Enter"], ["f", "Enter"], ["2", "c", *"Say 1 f u.", "Control+Enter"]):
            shown(page)
            for key in keys:
                page.keyboard.press(key)
        page.get_by_text("5 of 6 marked").wait_for()
        assert len([url for url in asked[before:] if "/state" not in url]) <= 2 * 3  # without looking for others' marks
        page.keyboard.press("n")
        assert len(re.findall(r"student-0\d|First Five", page.locator("#who").inner_text())) == 1
        page.keyboard.press("u")
        page.get_by_text("4 of 6 marked").wait_for()
        shown(page)
        page.keyboard.press("0")
        page.keyboard.press("1")
        page.keyboard.press("1")
        page.keyboard.press("Enter")
        page.get_by_text("Tick an item, type points, or press 0 for none.").wait_for()
        for wrong in ("Infinity", "1e999"):
            page.keyboard.press("p")
            page.keyboard.type(wrong)
            page.keyboard.press("Enter")
            page.get_by_text(f'Points are a number, not "{wrong}".').wait_for()
            page.keyboard.press("Escape")
        page.keyboard.press("p")
        page.keyboard.type("0,75")
        page.keyboard.press("Enter")
        page.get_by_text("5 of 6 marked").wait_for()
        shown(page)
        page.keyboard.press("0")
        page.keyboard.press("Enter")
        page.get_by_text("All 6 answers are marked.").wait_for()
        page.keyboard.press("1")  # there is nothing to tick
        assert not page.get_by_role("checkbox").first.is_visible()
        assert not page.get_by_role("checkbox", include_hidden=True).first.is_checked()
    given = [score for score, _, _ in marks(course).values()]
    assert sorted(score for score in given if score is not None) == [0, 0.75, 1, 1, 1, 2]
    done = course.course("export", course.name, "--to", "moodle")
    assert done.returncode == 0, done.stderr
    with (course.root / f"moodle_{course.name}.csv").open(encoding="utf-8") as file:
        assert len(list(csv.DictReader(file))) == 7  # nobody waits any more


@pytest.mark.browser
def test_an_answer_is_shown_with_its_formulas_as_typed_too_and_runs_nothing(course):
    with served(course) as address, chromium_page() as page:
        errors = []
        page.on("console", lambda message: errors.append(message.text))
        page.on("dialog", lambda dialog: errors.append(dialog.message))
        opened(page, address)
        seen = []
        for number in range(1, 5):
            page.get_by_text(f"Answer {number} of 4").wait_for()
            shown(page)
            seen.append((page.locator("#shown").inner_html(), page.locator("#typed").text_content()))
            page.keyboard.press("j")
        page.get_by_text("This is the last answer.").wait_for()
        assert page.title() == "why: marking"
        assert errors == []
    assert any("<mfrac>" in html and "<li>It is <em>x</em> again.</li>" in html for html, _ in seen)
    assert any("z<em>h and then D</em>z" in html and "z*h and then D*z" in typed for html, typed in seen)
    (hostile,) = [html for html, typed in seen if "onerror" in typed]
    assert "<script" not in hostile
    assert "<img" not in hostile
    assert "javascript:" not in hostile.replace("](javascript:", "")


@pytest.mark.browser
def test_a_mark_of_somebody_else_s_is_shown_and_replaced_only_knowingly(course):
    with served(course) as address, chromium_page() as page:
        opened(page, address)
        other = Marker(address)
        page.keyboard.press("1")
        other.mark(next(group for group in other.groups().values() if len(group["members"]) == 3), [1])
        page.dispatch_event("body", "focus")  # the page looks for what has changed
        page.get_by_text("Marked: 0.5 points").wait_for()
        page.keyboard.press("Enter")
        page.get_by_text("Somebody else has marked this answer meanwhile: 0.5 points.").wait_for()
        assert page.locator("#standing").inner_text() == "Marked: 0.5 points"
        assert page.locator(".items input").first.is_checked()  # what was ticked here is still there
        assert marks(course)["student-01"][0] == 0.5
        page.keyboard.press("Enter")
        page.get_by_text("Saved: 1 point for 3 students.").wait_for()
    assert marks(course)["student-01"][0] == 1


@pytest.mark.browser
def test_an_undo_that_did_not_reach_the_gradebook_can_be_tried_again(course):
    with served(course) as address, chromium_page() as page:
        opened(page, address)
        for count in ("3 of 6 marked", "4 of 6 marked"):
            shown(page)
            page.keyboard.press("f")
            page.keyboard.press("Enter")
            page.get_by_text(count).wait_for()
        page.route("**/save", lambda route: route.fulfill(status=503, json={"told": "The gradebook is held."}))
        page.keyboard.press("u")
        page.get_by_text("The gradebook is held.").wait_for()
        page.unroute("**/save")
        page.keyboard.press("u")
        page.get_by_text("Undone: as it was before.").wait_for()
    given = {student for student, (score, _, _) in marks(course).items() if score}
    assert given == {"student-01", "student-02", "student-03"}


@pytest.mark.browser
def test_an_answer_that_is_graded_anew_while_it_is_open_is_shown_anew(course):
    same = ("student-01", "student-02", "student-03")
    with served(course) as address, chromium_page() as page:
        opened(page, address)
        other = Marker(address)
        other.mark(next(group for group in other.groups().values() if len(group["members"]) == 3), [0])
        old = next(group for group in other.groups().values() if len(group["members"]) == 3)
        for student in same:
            course.hand_in(student, {"why": f"{QUESTION}\n\nTwo halves."})
        assert course.course("grade", "--no-explanations").returncode == 0
        assert other.mark(old, [1])[1]["told"].startswith("This answer has changed meanwhile: it was graded")
        page.dispatch_event("body", "focus")  # the page looks for what has changed
        page.locator("#shown").get_by_text("Two halves.").wait_for()
        page.keyboard.press("Enter")
        page.get_by_text("Saved: 1 point for 3 students.").wait_for()
    assert all(marks(course)[student][:2] == (1, False) for student in same)


@pytest.mark.browser
def test_old_marks_of_changed_answers_are_confirmed_by_one_key(course):
    with served(course) as address:
        marker = Marker(address)
        for student in ("student-04", "student-05"):
            marker.mark(marker.groups()[student], [0], own="Good.")
    for student in ("student-04", "student-05"):
        course.hand_in(student, {"why": f"{QUESTION}\n\nAnother answer of {student}."})
    assert course.course("grade", "--no-explanations").returncode == 0
    assert marks(course)["student-04"] == (1, True, "- 1: the product $2 \\cdot x$\n\nGood.")
    with served(course) as address, chromium_page() as page:
        opened(page, address)
        page.keyboard.press("b")
        page.get_by_text("2 old marks wait to be confirmed: b once more confirms all as they are.").wait_for()
        page.keyboard.press("b")
        page.get_by_text("2 of 6 marked").wait_for()
        for student in ("student-04", "student-05"):
            assert marks(course)[student] == (1, False, "- 1: the product $2 \\cdot x$\n\nGood.")
        page.keyboard.press("u")
        page.get_by_text("Old mark: 1 point.").wait_for()
        assert marks(course)["student-05"][1]


@pytest.mark.browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_fits_a_phone_and_axe_finds_no_fault(course, scheme):
    with served(course) as address:
        accessible_on_a_phone(address, scheme, ready="#shown p")
