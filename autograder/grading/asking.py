"""A run of the notebook that asks after each graded cell.

The student's kernel answers; every verdict is made here, in the worker's own process. A cell or an answer that crashes
the kernel, hangs or answers garbage costs its own question.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Mapping, Sequence
from queue import Empty
from typing import Any

import zmq
from jupyter_client.utils import ensure_async, run_sync
from nbformat import from_dict
from nbformat.v4 import new_output
from nbgrader import utils as nbgrader_utils
from traitlets import Bool, Set, Unicode

from autograder.course.errors import CourseError
from autograder.course.solutions import assignment_cells
from autograder.grading.running import GARBLED, RestartingExecute, is_course_cell
from autograder.marking import answering, forbidden, mark, repairs
from autograder.marking.following import Marked, follow
from autograder.marking.reference import UNREADABLE, requests
from autograder.marking.verdicts import Verdict
from autograder.oracle.questions import Question
from autograder.sandbox.watch import Watch


class AskingExecute(RestartingExecute):
    """nbgrader's Execute that asks the live kernel after each graded cell and writes the verdict into its outputs."""

    explain = Bool(True, help="Look for the line at fault where marks are lost: a few seconds for each question.").tag(
        config=True
    )
    leave_out = Set(Unicode(), help="Ids of cells that are not run.").tag(config=True)

    def preprocess(self, nb, resources, km=None):
        """Run the notebook and mark its questions."""
        self.secret = resources["course"]["secret"]
        self.figures = nb.metadata.setdefault("course", {}).pop("figures", {})
        nb.metadata["course"]["seconds"] = {}  # that each cell took
        self.seconds = nb.metadata["course"]["seconds"]  # as the notebook keeps it: a copy of what was given
        self.marked = []  # the graded cells, each with its question marked
        self.students = False  # whether a student's code has run
        self.silent = False  # whether the kernel did not answer once all was marked
        self.verdicts = resources["verdicts"] = []
        return super().preprocess(nb, resources, km)

    def on_cell_executed(self, **kwargs):
        """Nothing to add: verdicts come from answers, not from a cell's errors."""

    def preprocess_cell(self, cell, resources, index):
        """Run a cell; after a graded one, ask and mark; after the last, see what follows from earlier mistakes."""
        if cell.cell_type == "code" and cell.metadata.get("nbgrader", {}).get("grade_id") not in self.leave_out:
            self._run_and_mark(cell, resources, index)
        if index == len(self.nb.cells) - 1:
            self._conclude()
        return cell, resources

    def _run_and_mark(self, cell, resources, index) -> None:
        graded = nbgrader_utils.is_grade(cell)
        started = time.perf_counter()
        failure = self.run(cell, resources, index)
        if failure and self.trains(cell) and not self.fresh:  # what ran before it may have taken its time
            self.restart(index)
            failure = self.run(cell, resources, index)
        self.seconds[cell.id] = round(time.perf_counter() - started, 3)
        if is_course_cell(cell) and (failure or _error(cell)):
            self._blame(cell, failure or _error(cell), index)
        self.students = self.students or not is_course_cell(cell)
        cell.outputs = list(_with_figures(cell.outputs, self.figures.get(cell.id, ())))
        if failure and not graded:
            self.fatal.add(index)
        question = mark.question_of(self.assignment, cell.metadata.nbgrader["grade_id"]) if graded else None
        if question is not None:
            answers = forbidden.violation(question, self.nb) or self._ask(question, index)
            points = float(cell.metadata.nbgrader["points"])
            verdict = mark.mark(self.assignment, question, points, answers, self.secret)
            self.marked.append((cell, Marked(question, verdict, answers)))

    def _conclude(self) -> None:
        """Write the verdicts, after what follows from earlier mistakes, with the lines that are at fault."""
        marked = [one for _, one in self.marked]
        verdicts = follow(self.assignment, marked, self._ask_again, self.secret)
        if self.explain:
            cells = {cell.id: cell.source for cell in self.nb.cells if cell.cell_type == "code"}
            verdicts = repairs.located(self.assignment, marked, verdicts, cells, self._ask_programs, self.secret)
        for cell, one in self.marked:
            self.verdicts.append(verdicts[one.question.id])
            _write_verdict(cell, verdicts[one.question.id])

    def _ask_again(self, question: Question, sources: Mapping[str, str]) -> list | str:
        """A question's answers with sources in the place of cells; the kernel knows these then, so it runs no more."""
        cells = [from_dict({**cell, "source": sources.get(cell.id, cell.source)}) for cell in self.nb.cells]
        unlike = forbidden.violation(question, from_dict({**self.nb, "cells": cells}))
        if self.silent or self.gone or unlike:
            return self.gone or "not asked"
        answers = self._answers(question, list(sources.values()))
        self.silent = isinstance(answers, str)
        return answers

    def _blame(self, cell, failure: str, index: int) -> None:
        """Find whose fault a failure of the course's own cell is. Raises CourseError where it is the course's.

        It is the student's only if their code ran before, and the cell runs in a new kernel after the solution.
        """
        if self.students:
            solution = {c.id: c.source for c in assignment_cells(self.assignment) if c.role == "solution"}
            before = [c for c in self.nb.cells[:index] if not c.id.startswith("own-")]
            run = [from_dict({**c, "source": solution.get(c.id, c.source)}) for c in (*before, cell)]
            cells, self.nb.cells = self.nb.cells, run
            try:
                self.renew()
                fine = self.replay(len(run), keep=False) and not _error(run[-1])
            finally:
                self.nb.cells = cells
            if fine:
                self.restart(index)
                return
        raise CourseError(f"the course's own cell {cell.id!r} failed, so nothing was marked: {failure}")

    def _ask(self, question: Question, index: int) -> list | str:
        """The encoded answers to a question's cases, or in words why there are none.

        A question without answers is asked again in a new kernel: an earlier cell may be at fault.
        """
        while not self.gone:
            fresh, self.fresh = self.fresh, False
            answers = self._answers(question)
            if not isinstance(answers, str) or answers == UNREADABLE:
                return answers
            if fresh:
                self.stop(index)
                return answers
            self.restart(index)
        return self.gone

    def _answers(self, question: Question, sources: Sequence[str] = ()) -> list | str:
        """The encoded answers to a question's cases, or in words why there are none."""
        asked = requests(self.assignment, question, self.secret)
        expression = answering.expression(answering.answer_all, asked, _out_of_reach(question), list(sources))
        reply = run_sync(self._request)(expression, question.seconds)
        if isinstance(reply, str):
            return reply
        try:
            return answering.read_answers(reply["user_expressions"]["answers"]["data"]["text/plain"], len(asked))
        except Exception:
            return UNREADABLE

    def _ask_programs(
        self, question: Question, asked: Sequence[dict], programs: list[list[str]], seconds: float, each: float
    ) -> tuple[list[list], float]:
        """Each program's answers to some requests, fewer where the time is over, none where the kernel fails."""
        if self.silent or self.gone:
            return [], seconds
        expression = answering.expression(
            answering.answer_programs, list(asked), _out_of_reach(question), programs, seconds, each
        )
        reply: Any = run_sync(self._request)(expression, 3 * seconds + 2)
        try:
            return answering.read_programs(reply["user_expressions"]["answers"]["data"]["text/plain"], len(asked))
        except Exception:  # a reason in place of a reply, or whatever a kernel sends
            self.silent = True
            return [], seconds

    async def _request(self, expression: str, seconds: float) -> dict | str:
        """Evaluate an expression in the kernel, silently. Returns the reply's content or a reason."""
        watch = Watch(self.km, seconds, self.most)
        try:
            expressions = {"answers": expression}
            sent = await ensure_async(
                self.kc.execute("", silent=True, store_history=False, user_expressions=expressions)
            )
        except zmq.ZMQError:
            return GARBLED
        while not (reason := watch.exceeded()):
            try:
                reply = await ensure_async(self.kc.shell_channel.get_msg(timeout=0.5))
                if reply["parent_header"].get("msg_id") == sent:
                    return dict(reply["content"])
            except Empty:
                if not await ensure_async(self.km.is_alive()):
                    return self.death()
            except Exception:
                return GARBLED
        return reason


def _out_of_reach(question: Question) -> list[str]:
    """The whole libraries that a question forbids."""
    return [name for name in question.forbids if "." not in name]


def _error(cell) -> str:
    """The error that a cell ended with, in words; empty where there is none."""
    errors = [output for output in cell.outputs if output.output_type == "error"]
    return f"{errors[-1].ename}: {errors[-1].evalue}" if errors else ""


def _write_verdict(cell, verdict: Verdict) -> None:
    """Make the verdict the one output that nbgrader reads a score from.

    nbgrader takes the first execute_result as the score and any error or stderr as zero, whoever wrote them: the
    cell's own output stays readable, as plain text on stdout.
    """
    kept = []
    for output in cell.outputs:
        if output.output_type == "error":
            kept.append(new_output("stream", name="stdout", text="\n".join(output.traceback) + "\n"))
        elif output.output_type == "stream":
            kept.append(new_output("stream", name="stdout", text=output.text))
        else:
            kept.append(new_output("display_data", data=output.get("data", {}), metadata=output.get("metadata", {})))
    data = {"text/plain": f"{verdict.score:g}", "text/html": verdict.as_html()}
    kept.append(new_output("execute_result", data=data, execution_count=cell.get("execution_count")))
    cell.outputs = kept
    cell.metadata["course"] = verdict.as_dict()


def _with_figures(outputs: list, submitted: Sequence[dict]) -> Iterator:
    """Outputs with the submitted pictures where a figure was made and not drawn."""
    pictures = iter(submitted)
    for output in outputs:
        data = output.get("data", {})
        if not re.match(r"<Figure size", data.get("text/plain", "")) or len(data) > 1:
            yield output
        elif picture := next(pictures, None):
            yield new_output("stream", name="stdout", text="The figure as it was handed in:\n")
            yield new_output("display_data", data=picture)
        else:
            yield new_output("stream", name="stdout", text="(A figure: grading draws none, and none was handed in.)\n")
