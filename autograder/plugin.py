"""What nbgrader_config.py plugs into `nbgrader autograde`: a run of the notebook that asks after each graded cell.

The student's kernel answers; every verdict is made here, in nbgrader's own process. A cell or an answer that crashes
the kernel, hangs or answers garbage costs its own question: the kernel is started anew, the definitions before are
run again, and the rest is still asked.
"""

from __future__ import annotations

import ast
import base64
import contextlib
import copy
import inspect
import json
import os
import re
import time
from collections.abc import Iterator, Sequence
from queue import Empty

import torch
from jupyter_client.utils import ensure_async, run_sync
from nbclient.exceptions import CellTimeoutError, DeadKernelError
from nbformat.v4 import new_output
from nbgrader import utils as nbgrader_utils
from nbgrader.preprocessors import (
    AssignLatePenalties,
    CheckCellMetadata,
    ClearOutput,
    Execute,
    IgnorePattern,
    LimitOutput,
    NbGraderPreprocessor,
    OverwriteCells,
    OverwriteKernelspec,
    SaveAutoGrades,
)
from threadpoolctl import threadpool_limits
from traitlets import Bool, Int, Set, Unicode

from autograder import answering, forbidden, marking
from autograder.outputs import Tamer
from autograder.questions import Question, load_questions
from autograder.solutions import ROOT
from autograder.warm import ONE_THREAD, use_warm_kernels

ANSWERING = base64.b64encode(inspect.getsource(answering).encode()).decode()
DIED = "the kernel died while this ran (a crash in native code, or too much memory)"
TOO_LONG = "this took longer than the time limit of {:g} s"
GARBLED = "the kernel sent what could not be read"
USED_UP = {"memory": "more memory was used than a hand-in may", "time": "a hand-in's whole time was used up"}
GONE = "the kernel died or hung too often before this; it was not run"


class AskingExecute(Execute):
    """nbgrader's Execute that asks the live kernel after each graded cell and writes the verdict into its outputs."""

    timeout = Int(60, help="Seconds for a cell.").tag(config=True)
    training_timeout = Int(600, help="Seconds for a cell that trains: it is long even where it is right.").tag(
        config=True
    )
    own_timeout = Int(300, help="Seconds for a cell of the course's own: set-up, imports, data.").tag(config=True)
    total = Int(1800, help="Seconds for a hand-in, after which no kernel is started anew.").tag(config=True)
    max_restarts = Int(5, help="How often a kernel that died or hung is started anew in one hand-in.").tag(config=True)
    warm = Bool(True, help="Fork kernels from a process that has torch and the rest loaded.").tag(config=True)
    draw = Bool(False, help="Draw figures anew; else a page shows those that were handed in.").tag(config=True)
    leave_out = Set(Unicode(), help="Ids of cells that are not run.").tag(config=True)
    grace = Int(5, help="Seconds that an interrupted kernel gets to answer before it is killed.").tag(config=True)

    def preprocess(self, nb, resources, km=None):
        """Run the notebook and mark its questions."""
        torch.set_num_threads(1)  # one hand-in, one core; small products are slower by threads that wait
        self.interrupt_on_timeout = False  # CellTimeoutError comes here, and _stop sees to the kernel
        self.timeout_func = self._limit
        self.assignment = resources["nbgrader"]["assignment"]
        self.secret = resources["course"]["secret"]
        self.figures = nb.metadata.setdefault("course", {}).pop("figures", {})
        nb.metadata["course"]["seconds"] = {}  # that each cell took
        self.seconds = nb.metadata["course"]["seconds"]  # as the notebook keeps it: a copy of what was given
        unsafe = resources["course"]["unsafe"]
        if self.warm or not unsafe:
            use_warm_kernels(isolated=not unsafe)
        self.restarts, self.fatal, self.lost = 0, set(), set()
        self.until = time.monotonic() + self.total
        with threadpool_limits(1):
            return super().preprocess(nb, resources, km)

    def start_new_kernel(self, **kwargs):
        """Start the kernel with the environment that grading fixes."""
        env = os.environ | ONE_THREAD | {"COURSE_ROOT": str(ROOT), "COURSE_PROFILE": "quick"}
        env |= {"COURSE_DRAWS": "yes"} if self.draw else {}
        super().start_new_kernel(env=env, **kwargs)

    def start_new_kernel_client(self):
        """Connect to the kernel. Raises RuntimeError where it does not answer in time."""
        self.kc = self.km.client()
        self.kc.start_channels()
        self.kc.allow_stdin = False
        run_sync(self._ready)()
        return self.kc

    async def _ready(self) -> None:
        """Wait until the kernel answers on both channels; jupyter_client's own way waits 0.2 s longer, for silence."""
        until = time.monotonic() + self.startup_timeout
        while time.monotonic() < until and await ensure_async(self.km.is_alive()):
            sent = await ensure_async(self.kc.kernel_info())
            with contextlib.suppress(Empty):
                await ensure_async(self.kc.shell_channel.get_msg(timeout=1))
                while True:
                    told = await ensure_async(self.kc.iopub_channel.get_msg(timeout=0.2))
                    if told["parent_header"].get("msg_id") == sent and told["content"].get("execution_state") == "idle":
                        return
        raise RuntimeError("the kernel did not answer")

    def process_message(self, msg, cell, cell_index):
        """Take a message's output into the cell, made harmless; nothing else that a kernel may tell."""
        if msg["msg_type"] in ("stream", "error", "display_data", "execute_result", "update_display_data"):
            content = self.tamer.tame(msg["content"], msg["msg_type"])
            if content is None:
                return None
            msg = {**msg, "content": content}
        elif msg["msg_type"] not in ("status", "clear_output"):
            return None
        return super().process_message(msg, cell, cell_index)

    def on_cell_executed(self, **kwargs):
        """Nothing to add: verdicts come from answers, not from a cell's errors."""

    def preprocess_cell(self, cell, resources, index):
        """Run a cell; after a graded one, ask and mark."""
        if cell.cell_type != "code" or cell.metadata.get("nbgrader", {}).get("grade_id") in self.leave_out:
            return cell, resources
        graded = nbgrader_utils.is_grade(cell)
        started = time.perf_counter()
        failure = self._run(cell, resources, index)
        self.seconds[cell.id] = round(time.perf_counter() - started, 3)
        cell.outputs = list(_with_figures(cell.outputs, self.figures.get(cell.id, ())))
        if failure and not graded:
            self.fatal.add(index)
        question = marking.question_of(self.assignment, cell.metadata.nbgrader["grade_id"]) if graded else None
        if question is not None:
            answers = failure or forbidden.reason(question, self.nb) or self._ask(question, index)
            points = float(cell.metadata.nbgrader["points"])
            verdict = marking.mark(self.assignment, question, points, answers, self.secret, self.lost)
            if verdict.score < points:
                self.lost.add(question.id)
            _write_verdict(cell, verdict)
        return cell, resources

    def _limit(self, cell) -> int:
        """Seconds that a cell may take. What no student wrote or is called from is slow only on a busy machine."""
        name = cell.metadata.get("nbgrader", {}).get("grade_id", "")
        if name == "set-up" or name.startswith("provided-"):
            return self.own_timeout
        trains = name in {question.made_by for question in load_questions(self.assignment) if question.made_by}
        return self.training_timeout if trains else self.timeout

    def _run(self, cell, resources, index) -> str | None:
        """Execute a cell. Returns None, or what went wrong in words; the kernel is fit for the next cell then."""
        if self.restarts > self.max_restarts:
            return GONE
        self.tamer = Tamer()
        try:
            super().preprocess_cell(cell, resources, index)
            return None
        except CellTimeoutError:
            reason = TOO_LONG.format(self._limit(cell))
        except Exception as error:  # whatever the kernel did or sent, it costs no more than this
            reason = self._death() if isinstance(error, DeadKernelError) else GARBLED
        cell.outputs.append(new_output("error", ename="Stopped", evalue=reason, traceback=[reason]))
        self._stop(index)
        return reason

    def _ask(self, question: Question, index: int) -> list | str:
        """The encoded answers to a question's cases, or in words why there are none."""
        cases = json.dumps(marking.requests(self.assignment, question, self.secret))
        payload = base64.b64encode(cases.encode()).decode()
        decoded = "__import__('base64').b64decode({!r}).decode()"
        expression = (
            f"(lambda own: (exec({decoded.format(ANSWERING)}, own), own['answer_all'](own['json'].loads("
            f"{decoded.format(payload)}), globals()))[1])({{'__name__': 'course_answering'}})"
        )
        reply = run_sync(self._request)(expression, question.seconds)
        if isinstance(reply, str):
            self._stop(index)
            return reply
        try:
            return list(json.loads(ast.literal_eval(reply["user_expressions"]["answers"]["data"]["text/plain"])))
        except Exception:
            return marking.UNREADABLE

    def _death(self) -> str:
        """Why the kernel died, in words."""
        process = getattr(self.km.provisioner, "process", None) if self.km else None
        return USED_UP.get(getattr(process, "killed_for", ""), DIED)

    async def _request(self, expression: str, seconds: float) -> dict | str:
        """Evaluate an expression in the kernel, silently. Returns the reply's content or a reason."""
        sent = self.kc.execute("", silent=True, store_history=False, user_expressions={"answers": expression})
        sent = await ensure_async(sent)
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            try:
                reply = await ensure_async(self.kc.shell_channel.get_msg(timeout=1))
                if reply["parent_header"].get("msg_id") == sent:
                    return dict(reply["content"])
            except Empty:
                if not await ensure_async(self.km.is_alive()):
                    return self._death()
            except Exception:
                return GARBLED
        return TOO_LONG.format(seconds)

    def _stop(self, index: int) -> None:
        """Make the kernel fit for the next cell: interrupt what hangs; start anew what is dead or does not stop."""
        if run_sync(self._interrupted)():
            return
        while self.restarts < self.max_restarts and time.monotonic() < self.until:
            self.restarts += 1
            self.km and run_sync(self.km.shutdown_kernel)(now=True)
            self._cleanup_kernel()
            self.create_kernel_manager()
            self.start_new_kernel()
            self.start_new_kernel_client()
            if self._replay(index):
                return
        self.restarts = self.max_restarts + 1

    async def _interrupted(self) -> bool:
        """Interrupt a running cell; whether the kernel answers again in time."""
        with contextlib.suppress(Exception):
            return await self._answers_again()
        return False

    async def _answers_again(self) -> bool:
        if not await ensure_async(self.km.is_alive()):
            return False
        await ensure_async(self.km.interrupt_kernel())
        sent = await ensure_async(self.kc.kernel_info())
        deadline = time.monotonic() + self.grace
        while time.monotonic() < deadline:
            try:
                reply = await ensure_async(self.kc.shell_channel.get_msg(timeout=1))
            except Empty:
                continue
            if reply["parent_header"].get("msg_id") == sent:
                return True
        return False

    def _replay(self, index: int) -> bool:
        """Run the cells before `index` again in a new kernel, but graded ones and those that killed one."""
        for earlier, cell in enumerate(self.nb.cells[:index]):
            if cell.cell_type == "code" and not nbgrader_utils.is_grade(cell) and earlier not in self.fatal:
                try:
                    super().preprocess_cell(copy.deepcopy(cell), self.resources, earlier)
                except Exception:
                    self.fatal.add(earlier)
                    return False
                finally:
                    self.nb.cells[earlier] = cell  # with the outputs of its first run
        return True


def _write_verdict(cell, verdict: marking.Verdict) -> None:
    """Make the verdict the one output that nbgrader reads a score from.

    nbgrader takes the first execute_result as the score and any error or stderr as zero, whoever wrote them: what the
    cell itself put out stays readable, as plain text on stdout.
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


def _with_figures(outputs: list, handed_in: Sequence[dict]) -> Iterator:
    """Outputs with the pictures that were handed in where a figure was made and not drawn."""
    pictures = iter(handed_in)
    for output in outputs:
        data = output.get("data", {})
        if not re.match(r"<Figure size", data.get("text/plain", "")) or len(data) > 1:
            yield output
        elif picture := next(pictures, None):
            yield new_output("stream", name="stdout", text="The figure as it was handed in:\n")
            yield new_output("display_data", data=picture)
        else:
            yield new_output("stream", name="stdout", text="(A figure: grading draws none, and none was handed in.)\n")


class Finish(NbGraderPreprocessor):
    """Note for which hand-in, notebook and oracle this notebook was graded, once all of it was."""

    def preprocess(self, nb, resources):
        """Put the digest into the notebook's metadata."""
        nb.metadata.setdefault("course", {})["digest"] = resources["course"]["digest"]
        return nb, resources


SANITIZE = [ClearOutput, OverwriteKernelspec, OverwriteCells, CheckCellMetadata]
AUTOGRADE = [
    AskingExecute,
    IgnorePattern,
    LimitOutput,
    SaveAutoGrades,
    AssignLatePenalties,
    CheckCellMetadata,
    Finish,
]
