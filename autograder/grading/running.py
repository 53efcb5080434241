"""Run a notebook's cells in a kernel that may die, hang, or send anything.

What a cell breaks costs that cell: the kernel is restarted, the definitions before are run again, and the rest still
runs. What a kernel sends is bounded before it is read: a message by its bytes, all together by the memory of this
process. Time is what the kernel's own clock counts.
"""

from __future__ import annotations

import asyncio
import contextlib
import copy
import os
import time
from queue import Empty

import zmq
from jupyter_client.utils import ensure_async, run_sync
from nbclient.exceptions import CellTimeoutError, DeadKernelError
from nbformat.v4 import new_output
from nbgrader import utils as nbgrader_utils
from nbgrader.preprocessors import Execute
from threadpoolctl import threadpool_limits
from traitlets import Bool, Int

from autograder.course.paths import ROOT
from autograder.intake.outputs import Tamer
from autograder.marking import answering
from autograder.oracle.questions import load_questions
from autograder.sandbox.bubblewrap import ONE_THREAD
from autograder.sandbox.kernels import start_warm
from autograder.sandbox.watch import FAR, FLOOD, TOO_LONG, Watch, clock_of, resident

DIED = "the kernel died while this ran (a crash in native code, or too much memory)"
GARBLED = "the kernel's reply could not be read"
USED_UP = {"memory": "the notebook used more memory than allowed", "time": "the notebook used up its total time"}
GONE = "not run: the kernel had already died or hung too often"
SPENT = "not run: a kernel had died or hung, and the notebook's total time of {:g} s was used up"
MESSAGE = answering.LIMIT * 3 // 2  # bytes of one message: an answer as base64, and room around it
BOUNDS = ((zmq.MAXMSGSIZE, MESSAGE), (zmq.SNDTIMEO, 5_000))  # a kernel may have closed its end: no send waits for it
OUTPUTS = 2_000  # of one cell
SHOWN = ("stream", "error", "display_data", "execute_result", "update_display_data")  # messages that bring one


class RestartingExecute(Execute):
    """nbgrader's Execute for untrusted code: cells run within limits, and a kernel that is lost is replaced."""

    timeout = Int(60, help="Seconds for a cell.").tag(config=True)
    training_timeout = Int(600, help="Seconds for a cell that trains: it takes long even when it is correct.").tag(
        config=True
    )
    own_timeout = Int(300, help="Seconds for one of the course's own cells: set-up, imports, data.").tag(config=True)
    grace = Int(5, help="Seconds that an interrupted kernel gets to answer before it is killed.").tag(config=True)
    total = Int(1800, help="Seconds of a submission's kernels, after which none is restarted.").tag(config=True)
    max_restarts = Int(20, help="How often a kernel that died or hung is restarted in one submission.").tag(config=True)
    warm = Bool(True, help="Fork kernels from a process that has torch and the rest loaded.").tag(config=True)
    draw = Bool(False, help="Draw figures again; otherwise pages show the submitted ones.").tag(config=True)
    watch: Watch  # over what runs now

    def preprocess(self, nb, resources, km=None):
        """Run the notebook's cells, each by `preprocess_cell`."""
        self.interrupt_on_timeout = False  # CellTimeoutError comes here, and `stop` sees to the kernel
        self.timeout_func = lambda cell: FAR * self._limit(cell)  # for nbclient; what counts is `watch`
        self.record_timing = False  # it would be noted as the kernel tells it
        self.raise_on_iopub_timeout = False  # outputs that come late are missing, and nothing else
        self.assignment = resources["course"]["assignment"]
        self.isolated = not resources["course"]["unsafe"]
        self.restarts, self.fatal = 0, set()  # the latter: numbers of cells that killed or hung a kernel
        self.gone = ""  # why no kernel is left to run in, in words
        self.fresh = False  # whether nothing but a replay has run in this kernel
        self.started, self.spent = time.monotonic(), 0.0  # the latter: on the clocks of kernels that were replaced
        self.most = resident() + FLOOD
        with threadpool_limits(1):  # one submission, one core; threads that wait slow small products down
            return super().preprocess(nb, resources, km)

    def start_new_kernel(self, **kwargs):
        """Start the kernel with the environment that grading fixes."""
        env = os.environ | ONE_THREAD | {"COURSE_ROOT": str(ROOT), "COURSE_PROFILE": "quick"}
        env |= {"COURSE_DRAWS": "yes"} if self.draw else {}
        super().start_new_kernel(env=env, **kwargs)

    def create_kernel_manager(self):
        """As nbclient's, for a warm kernel, over sockets that are bounded."""
        manager = super().create_kernel_manager()
        if self.warm or self.isolated:
            start_warm(manager, self.isolated)
        for option, value in BOUNDS:
            manager.context.setsockopt(option, value)
        return manager

    def start_new_kernel_client(self):
        """Connect to the kernel. Raises RuntimeError where it does not answer in time."""
        self.kc = self.km.client()
        for option, value in BOUNDS:
            self.kc.context.setsockopt(option, value)  # for all sockets that are made from it
        self.kc.session.username = self.km.session.username = "student"  # not whoever grades
        self.kc.start_channels()
        self.kc.allow_stdin = False
        run_sync(self._ready)()
        return self.kc

    async def _ready(self) -> None:
        """Wait until the kernel answers on both channels; jupyter_client's own waits 0.2 s longer, for silence."""
        until = time.monotonic() + self.startup_timeout
        while time.monotonic() < until and await ensure_async(self.km.is_alive()):
            sent = await ensure_async(self.kc.kernel_info())
            with contextlib.suppress(Empty):
                await ensure_async(self.kc.shell_channel.get_msg(timeout=1))
                while time.monotonic() < until:
                    message = await ensure_async(self.kc.iopub_channel.get_msg(timeout=0.2))
                    if (
                        message["parent_header"].get("msg_id") == sent
                        and message["content"].get("execution_state") == "idle"
                    ):
                        return
        raise RuntimeError("the kernel did not answer")

    def process_message(self, msg, cell, cell_index):
        """Add a message's output to the cell, made harmless; ignore anything else that a kernel sends."""
        kind, content = msg["msg_type"], msg["content"]
        if kind == "status":
            content = {"execution_state": str(content["execution_state"])[:20]}
        elif kind == "clear_output":
            content = {"wait": content.get("wait") is True}
        elif kind not in SHOWN or len(cell.outputs) >= OUTPUTS or (content := self.tamer.tame(content, kind)) is None:
            return None
        if not isinstance(content.get("execution_count", 0), int):
            content["execution_count"] = None
        harmless = {"msg_type": kind, "header": {"msg_type": kind}, "parent_header": {}, "content": content}
        return super().process_message(harmless, cell, cell_index)

    async def _async_poll_kernel_alive(self) -> None:
        """While a cell runs: stop waiting once the kernel has died or used up the cell's time or memory."""
        watch = self.watch
        while watch is self.watch:
            self.stopped_by = watch.exceeded()
            if self.stopped_by or not await ensure_async(watch.kernels.is_alive()):
                self.task_poll_for_reply.cancel()
                return
            await asyncio.sleep(0.1)

    def trains(self, cell) -> bool:
        """Whether a cell makes a result that a question asks about."""
        name = cell.metadata.get("nbgrader", {}).get("grade_id", "")
        return bool(name) and name in {question.made_by for question in load_questions(self.assignment)}

    def _limit(self, cell) -> int:
        """Seconds that a cell may take. The course's own cells are slow only on a busy machine."""
        if is_course_cell(cell):
            return self.own_timeout
        return self.training_timeout if self.trains(cell) else self.timeout

    def run(self, cell, resources, index) -> str | None:
        """Execute a cell. Returns None, or what went wrong in words; the kernel is fit for the next cell then."""
        if self.gone:
            return self.gone
        self.tamer = Tamer()
        try:
            self._execute(cell, resources, index)
            self.fresh = False
            return None
        except CellTimeoutError:
            reason = TOO_LONG.format(self._limit(cell))
        except Exception as error:  # whatever the kernel did or sent, it costs no more than this
            reason = self.stopped_by or (self.death() if isinstance(error, DeadKernelError) else GARBLED)
        cell.outputs.append(new_output("error", ename="Stopped", evalue=reason, traceback=[reason]))
        if nbgrader_utils.is_grade(cell):  # the question must not pay for what its check left running
            self.restart(index)
        else:
            self.stop(index)
        return reason

    def _execute(self, cell, resources, index) -> None:
        """Run a cell within its limits. Raises whatever nbclient does, with `stopped_by` where it is known why."""
        self.stopped_by, self.watch = None, Watch(self.km, self._limit(cell), self.most)
        super().preprocess_cell(cell, resources, index)

    def death(self) -> str:
        """Why the kernel died, in words."""
        process = getattr(self.km.provisioner, "process", None) if self.km else None
        return USED_UP.get(getattr(process, "killed_for", ""), DIED)

    def stop(self, index: int) -> None:
        """Make the kernel fit for the next cell: interrupt it if it hangs; restart it if it died or does not stop."""
        if not run_sync(self._interrupted)():
            self.restart(index)

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
        watch = Watch(self.km, self.grace, self.most)
        while not watch.exceeded():
            try:
                reply = await ensure_async(self.kc.shell_channel.get_msg(timeout=0.5))
            except Empty:
                continue
            if reply["parent_header"].get("msg_id") == sent:
                return True
        return False

    def restart(self, index: int) -> None:
        """Continue in a new kernel, in which the cells before `index` have run."""
        while not (gone := self._too_much()):
            self.renew()
            if self.replay(index):
                self.fresh = True
                return
        self.gone = gone

    def _too_much(self) -> str:
        """Why no kernel may be started any more, in words, or nothing."""
        if self.restarts >= self.max_restarts:
            return GONE
        clock, passed = clock_of(self.km), time.monotonic() - self.started
        late = passed > self.total if clock is None else self.spent + clock > self.total or passed > FAR * self.total
        return SPENT.format(self.total) if late else ""

    def renew(self) -> None:
        """Restart the kernel."""
        self.restarts += 1
        self.spent += clock_of(self.km) or 0.0
        self.most = max(self.most, resident() + FLOOD // 4)  # memory of a flood does not all come back
        self.km and run_sync(self.km.shutdown_kernel)(now=True)
        self._cleanup_kernel()
        self.create_kernel_manager()
        self.start_new_kernel()
        self.start_new_kernel_client()

    def replay(self, index: int, keep: bool = True) -> bool:
        """Run the cells before `index` again in a new kernel, except graded ones and those that killed one.

        keep: the outputs of their first run, and note which one kills this kernel.
        """
        for earlier, cell in enumerate(self.nb.cells[:index]):
            if cell.cell_type == "code" and not nbgrader_utils.is_grade(cell) and not (keep and earlier in self.fatal):
                try:
                    self.tamer = Tamer()
                    self._execute(copy.deepcopy(cell) if keep else cell, self.resources, earlier)
                except Exception:
                    if keep:
                        self.fatal.add(earlier)
                    return False
                finally:
                    self.nb.cells[earlier] = cell
        return True


def is_course_cell(cell) -> bool:
    """Whether a cell is the course's own: set-up, imports, data, not those that show students' results."""
    name = cell.metadata.get("nbgrader", {}).get("grade_id", "")
    return name == "set-up" or name.startswith("provided-")
