"""What several markers of one question share: the state of all answers, who has which one open, what is saved."""

from __future__ import annotations

import math
import time
from typing import Any

from nbgrader.api import Gradebook
from nbgrader.coursedir import CourseDirectory
from sqlalchemy import text

from autograder.manual.answers import Answer, groups, read_answers
from autograder.manual.comments import compose, take_apart, used
from autograder.manual.questions import Written, grade_cell
from autograder.manual.saving import Mark, Refused, amount, save
from autograder.pages.text import as_html

EXPIRES = 60  # seconds after which an answer that a browser had open is free again
OFFERED = 9  # comments that a key inserts
LONGEST = 20_000  # characters of a comment
PATIENCE = 5  # seconds to wait for a gradebook that another process holds; the marker waits too


class Desk:
    """One question on the desk of its markers. Methods may be called from several threads."""

    def __init__(self, coursedir: CourseDirectory, question: Written):
        """Raises CourseError where there is nothing to mark."""
        self.coursedir, self.question = coursedir, question
        self._apart: set[str] = set()  # answers that are marked apart from the same ones
        self._open: dict[str, tuple[str, float]] = {}  # by browser: an answer's id, and since when
        with self._gradebook() as gradebook:
            cell = grade_cell(gradebook, question)
            self.cell: str = cell.id
            self.points: float = cell.max_score

    def _gradebook(self) -> Gradebook:
        gradebook = Gradebook(self.coursedir.db_url, self.coursedir.course_id)
        if gradebook.engine.dialect.name == "sqlite":
            gradebook.db.execute(text(f"PRAGMA busy_timeout = {1000 * PATIENCE}"))
        return gradebook

    def state(self, browser: str, open_here: str = "") -> dict[str, Any]:
        """All groups of answers with their marks, as the page shows them. open_here: the answer that it shows."""
        if open_here:
            self._open[browser] = (open_here, time.monotonic())
        with self._gradebook() as gradebook:
            return self._state(gradebook, browser)

    def _state(self, gradebook: Gradebook, browser: str) -> dict[str, Any]:
        answers = self._answers(gradebook)
        since = time.monotonic() - EXPIRES
        elsewhere = {answer for other, (answer, when) in self._open.items() if other != browser and when > since}
        return {
            "groups": [self._group(group, elsewhere) for group in groups(answers, self._apart)],
            "comments": used(self.question.rubric, [answer.comment for answer in answers], OFFERED),
            "marked": sum(not answer.waits for answer in answers),
            "of": len(answers),
        }

    def _answers(self, gradebook: Gradebook) -> list[Answer]:
        return read_answers(gradebook, self.coursedir, self.question, self.cell)

    def _group(self, group: list[Answer], elsewhere: set[str]) -> dict[str, Any]:
        first, items = group[0], self.question.rubric.items
        ticked, own = take_apart(self.question.rubric, first.comment)
        return {
            "members": [answer.id for answer in group],
            "students": [[answer.student, answer.name] for answer in group],
            "text": first.text.digest,
            "seen": first.seen,
            "waits": first.waits,
            "score": first.score,
            "comment": first.comment,
            "ticked": [place for place, item in enumerate(items) if item in ticked],
            "own": own,
            "open": any(answer.id in elsewhere for answer in group),
        }

    def answer(self, wanted: str) -> dict[str, Any]:
        """What an answer says, as harmless HTML and as typed."""
        with self._gradebook() as gradebook:
            texts = {answer.id: answer.text for answer in self._answers(gradebook)}
        if (wrote := texts.get(wanted)) is not None:
            html = as_html(wrote.own, attachments=wrote.attachments)[0] if wrote.own else ""
            return {"html": html, "raw": wrote.own, "problem": wrote.problem}
        raise Refused("This answer is not there any more.")

    def take_out(self, member: str, browser: str) -> dict[str, Any]:
        """Have an answer marked apart from those that are the same."""
        self._apart.add(member)
        return self.state(browser)

    def save(self, marks: list[dict[str, Any]], browser: str) -> tuple[dict[str, Any], str]:
        """Save marks, each for a group or not at all; the new state, and why the last one that was not is not."""
        told = ""
        with self._gradebook() as gradebook:
            by_id = {answer.id: answer for answer in self._answers(gradebook)}
            for wanted in marks:
                try:
                    members = [by_id[member] for member in wanted["members"]]
                    save(gradebook, members, wanted["seen"], self._mark(wanted))
                except Refused as refused:
                    told = str(refused)
                except (KeyError, TypeError, ValueError):
                    told = "The page and its server do not understand each other: load the page again."
            return self._state(gradebook, browser), told

    def _mark(self, wanted: dict[str, Any]) -> Mark:
        """The mark that a page asks for. Raises Refused, or what else is wrong with it."""
        if before := wanted.get("put_back"):
            score, comment, waits = before["score"], before["comment"], before["waits"]
            if not ((comment is None or isinstance(comment, str)) and isinstance(waits, bool)):
                raise TypeError(before)
            return Mark(None if score is None else _number(score), comment, waits)
        items = [dict(enumerate(self.question.rubric.items))[place] for place in sorted(set(wanted["ticked"]))]
        typed, own = wanted["points"], str(wanted["own"])
        score = sum(item.points for item in items) if typed is None else _number(typed)
        if not 0 <= score <= self.points:
            raise Refused(f"The question gives 0 to {amount(self.points)}, not {score:g}. Nothing is saved.")
        if len(own) > LONGEST:
            raise Refused(f"A comment has {LONGEST} characters at most, not {len(own)}. Nothing is saved.")
        return Mark(score, compose(items, own))


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise TypeError(value)
    return float(value)
