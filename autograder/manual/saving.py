"""Save marks given by hand, as the formgrader does, unless somebody else has marked meanwhile."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from nbgrader.api import Comment, Grade, Gradebook
from sqlalchemy import update

from autograder.manual.answers import Answer


class Refused(Exception):
    """A mark cannot be saved: one sentence for the marker. Nothing of it is saved."""


@dataclass(frozen=True)
class Mark:
    """What the gradebook is to hold. A score of None, or one that waits, is a state from before, put back."""

    score: float | None
    comment: str | None
    waits: bool = False


def save(gradebook: Gradebook, answers: Iterable[Answer], seen: str, mark: Mark) -> None:
    """Give each of these answers a mark; all or none.

    seen: what the marker has seen of every one of them (`Answer.seen`). Raises Refused where one is another by now.
    """
    database = gradebook.db
    try:
        for answer in answers:
            if answer.seen != seen:
                raise Refused(_meanwhile(answer))
            # the conditions hold at the moment of writing, also where another process has written since we read
            graded = (
                update(Grade)
                .where(
                    Grade.id == answer.id,
                    Grade.manual_score.is_not_distinct_from(answer.score),
                    Grade.needs_manual_grade == answer.waits,
                )
                .values(manual_score=mark.score, needs_manual_grade=mark.waits)
            )
            commented = (
                update(Comment)
                .where(
                    Comment.id == answer.comment_id,
                    Comment.manual_comment.is_not_distinct_from(answer.comment),
                )
                .values(manual_comment=mark.comment)
            )
            for statement in (graded, commented):
                if database.execute(statement, execution_options={"synchronize_session": False}).rowcount != 1:
                    raise Refused("Somebody else has marked this answer just now. Your mark is not saved.")
        database.commit()
    except BaseException:
        database.rollback()
        raise


def amount(points: float) -> str:
    """Points in words."""
    return f"{points:g} {'point' if points == 1 else 'points'}"


def _meanwhile(answer: Answer) -> str:
    if answer.score is None or answer.waits:
        return "This answer has changed meanwhile: it was graded or opened anew. Your mark is not saved; read it again."
    return (
        f"Somebody else has marked this answer meanwhile: {amount(answer.score)}. "
        "Your mark is not saved. Enter replaces theirs."
    )
