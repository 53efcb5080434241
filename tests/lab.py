"""JupyterLab over a copy of the student bundle, used in a browser as students do: menus, keyboard, clipboard."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from pathlib import Path

import nbformat

from autograder.build.bundle import contents
from autograder.course.paths import OWN

WHOLE, WAIT = 600_000, 120_000  # milliseconds for all of a notebook, and for anything else on a busy machine
SETTINGS = {
    "@jupyterlab/notebook-extension/tracker": {"windowingMode": "none"},  # all cells are in the page
    "@jupyterlab/apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False},
}
NBGRADER = [f"nbgrader.server_extensions.{name}" for name in ("formgrader", "assignment_list", "course_list")]
NOT_OF_STUDENTS = [*NBGRADER, "nbgrader.server_extensions.validate_assignment", "jupyterlab_jupytext"]

# Notes while cells run: whether one was seen to wait or run, and which ones showed a bar.
WATCH = r"""() => {
    const all = '.jp-NotebookPanel .jp-Notebook .jp-Cell';
    window.noted = {running: false, bars: new Set()};
    new MutationObserver(changes => {
        if ([...document.querySelectorAll('.jp-InputPrompt')].some(one => one.textContent.includes('*')))
            window.noted.running = true;
        for (const change of changes) {
            const place = change.target.nodeType === 1 ? change.target : change.target.parentElement;
            const output = place?.closest('.jp-OutputArea');
            if (output && /(step|epoch)\/s|s\/(step|epoch)/.test(output.textContent))
                window.noted.bars.add([...document.querySelectorAll(all)].indexOf(output.closest('.jp-Cell')));
        }
    }).observe(document.querySelector('.jp-Notebook'), {childList: true, characterData: true, subtree: true});
}"""
AT_REST = """() => document.querySelector('.jp-Notebook-ExecutionIndicator')?.dataset.status === 'idle'
    && ![...document.querySelectorAll('.jp-InputPrompt')].some(one => one.textContent.includes('*'))"""
PROMPTS = """() => [...document.querySelectorAll('.jp-NotebookPanel .jp-Notebook .jp-Cell')].map(cell =>
    cell.querySelector('.jp-InputPrompt')?.textContent)"""
READY = """count => !document.querySelector('.jp-NotebookPanel .jp-Spinner')
    && document.querySelectorAll('.jp-NotebookPanel .jp-Notebook .jp-Cell').length === count
    && document.querySelector('#jp-main-statusbar')?.innerText.includes('| Idle')"""
# What the page shows below each cell: a list of [kind, text or address of a picture] a cell.
SHOWN = """() => [...document.querySelectorAll('.jp-NotebookPanel .jp-Notebook .jp-Cell')].map(cell =>
    [...cell.querySelectorAll('.jp-OutputArea-output')].map(output => {
        const picture = output.querySelector('img');
        const cut = picture && picture.getBoundingClientRect().right > output.getBoundingClientRect().right + 1;
        if (picture) return [cut ? 'cut off' : picture.naturalWidth ? picture.src.slice(5, 60) : 'broken', ''];
        return [output.dataset.mimeType, output.innerText];
    }))"""
# Of the texts, what stands there as a formula in its source or could not be set.
NOT_SET = """() => [...document.querySelectorAll('.jp-MarkdownCell .jp-RenderedMarkdown')].flatMap(text => {
    const words = text.cloneNode(true);
    words.querySelectorAll('code, pre, mjx-container').forEach(one => one.remove());
    return [...(words.textContent.match(/.{0,40}[$].{0,40}/g) ?? []),
            ...[...text.querySelectorAll('mjx-merror, [data-mjx-error]')].map(one => one.textContent)];
})"""


@contextmanager
def jupyterlab(folder: Path, **settings: dict) -> Iterator[Lab]:
    """A server on loopback over the student bundle in `folder`; settings of Lab's plugins by their id."""
    root, own = folder / "bundle", folder / "jupyter"
    for path, text in contents(OWN).items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(text)
    files = {f"settings/{name}.jupyterlab-settings": found for name, found in {**SETTINGS, **settings}.items()}
    disabled = {"@jupyter/nbgrader": True, "jupyterlab-jupytext": True}
    files["config/labconfig/page_config.json"] = {"disabledExtensions": disabled}
    extensions = dict.fromkeys(NOT_OF_STUDENTS, False)
    files["config/jupyter_server_config.json"] = {"ServerApp": {"jpserver_extensions": extensions}}
    for name, found in files.items():
        (own / name).parent.mkdir(parents=True, exist_ok=True)
        (own / name).write_text(json.dumps(found))
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    alien = ("COURSE_", "NBGRADER_", "JUPYTER", "PYTHONPATH", "MPLBACKEND")
    env = {name: value for name, value in os.environ.items() if not name.startswith(alien)}
    env |= {"COURSE_PROFILE": "quick", "OMP_NUM_THREADS": "1", "IPYTHONDIR": str(own / "ipython")}
    env |= {f"JUPYTER_{name}_DIR": str(own / name.lower()) for name in ("CONFIG", "DATA", "RUNTIME")}
    env |= {f"JUPYTERLAB_{name}_DIR": str(own / name.lower()) for name in ("SETTINGS", "WORKSPACES")}
    token = secrets.token_hex(8)
    call = [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", "--ip=127.0.0.1", f"--port={port}"]
    call += ["--ServerApp.port_retries=0", f"--ServerApp.root_dir={root}", f"--IdentityProvider.token={token}"]
    with open(folder / "server.log", "wb") as log:
        running = subprocess.Popen(call, cwd=root, env=env, stdout=log, stderr=log)
    try:
        lab = Lab(root, f"http://127.0.0.1:{port}", token)
        lab.wait_for_server()
        yield lab
    finally:
        running.terminate()
        try:
            running.wait(WAIT / 1000)
        except subprocess.TimeoutExpired:
            running.kill()


class Lab:
    """A running server: the bundle's folder, the address and the token."""

    def __init__(self, root: Path, address: str, token: str):
        self.root, self.address, self.token = root, address, token

    def wait_for_server(self) -> None:
        """Until it answers. Raises TimeoutError after two minutes."""
        until = time.monotonic() + WAIT / 1000
        while time.monotonic() < until:
            with contextlib.suppress(OSError):
                self.ask("GET", "status")
                return
            time.sleep(0.2)
        raise TimeoutError("JupyterLab did not answer within two minutes")

    def ask(self, method: str, path: str):
        """A request to the server's API; returns the parsed answer, None for an empty one."""
        headers = {"Authorization": f"token {self.token}"}
        request = urllib.request.Request(f"{self.address}/api/{path}", method=method, headers=headers)
        with urllib.request.urlopen(request, timeout=10) as reply:
            text = reply.read()
        return json.loads(text) if text else None

    def path(self, name: str) -> Path:
        """A released notebook's file in the student's copy."""
        return self.root / "release" / name / f"{name}.ipynb"

    def read(self, name: str) -> nbformat.NotebookNode:
        """The notebook as it lies on disk."""
        return nbformat.read(self.path(name), as_version=4)

    @contextmanager
    def opened(self, page, name: str) -> Iterator[OpenNotebook]:
        """A released notebook, open in the page with its kernel ready; the kernel is shut down at the end."""
        place = self.path(name).relative_to(self.root).as_posix()
        page.context.grant_permissions(["clipboard-read", "clipboard-write"], origin=self.address)
        page.goto(f"{self.address}/lab/workspaces/{name}/tree/{place}?token={self.token}")
        page.wait_for_function(READY, arg=len(self.read(name).cells), timeout=WAIT)
        page.evaluate(WATCH)
        try:
            yield OpenNotebook(page, self, name)
        finally:
            for session in self.ask("GET", "sessions"):
                self.ask("DELETE", f"sessions/{session['id']}")


class OpenNotebook:
    """A notebook in a page, and what a student does with it."""

    def __init__(self, page, lab: Lab, name: str):
        self.page, self.lab, self.name = page, lab, name
        self.released = lab.read(name)
        self.ids = [cell.id for cell in self.released.cells]

    def cell(self, index: int):
        """The page's element of a cell."""
        return self.page.locator(".jp-NotebookPanel .jp-Notebook .jp-Cell").nth(index)

    def menu(self, menu: str, command: str) -> None:
        """Choose an entry of the menu bar."""
        self.page.locator(".lm-MenuBar-itemLabel", has_text=menu).first.click()
        self.page.locator(f'.lm-Menu-item[data-command="{command}"]').first.click()

    def run(self, command: str) -> None:
        """Choose an entry of the menu Run, and wait until the kernel is at rest again."""
        self.page.evaluate("window.noted.running = false")
        self.menu("Run", command)
        if command == "runmenu:restart-and-run-all":
            self.page.locator(".jp-Dialog .jp-mod-accept").click()
        self.page.wait_for_function("window.noted.running", timeout=WAIT)
        self.page.wait_for_function(AT_REST, timeout=WHOLE)

    def run_all_below(self, index: int) -> None:
        """Select a cell by the margin at its left and run it and all below."""
        self.cell(index).locator(".jp-InputPrompt").click()
        self.run("notebook:run-all-below")

    def paste(self, name: str, source: str) -> None:
        """Put a text into the cell of that id, in place of what stands there, by way of the clipboard."""
        self.page.evaluate("text => navigator.clipboard.writeText(text)", source)
        self.cell(self.ids.index(name)).locator(".cm-content").click()
        self.page.keyboard.press("Control+A")
        self.page.keyboard.press("Control+V")

    def not_run(self) -> list[int]:
        """The code cells that have not been run, by their place; of a folded one the page does not say it."""
        prompts = self.page.evaluate(PROMPTS)
        return [k for k, cell in enumerate(self.released.cells) if cell.cell_type == "code" and prompts[k] == "[ ]:"]

    def save(self) -> nbformat.NotebookNode:
        """Save with the keyboard; returns the notebook as it lies on disk."""
        before = self.lab.path(self.name).stat().st_mtime_ns
        self.page.keyboard.press("Control+S")
        until = time.monotonic() + WAIT / 1000
        while self.lab.path(self.name).stat().st_mtime_ns == before and time.monotonic() < until:
            self.page.wait_for_timeout(50)
        self.page.wait_for_selector(".lm-TabBar-tab.jp-mod-current:not(.jp-mod-dirty)", timeout=WAIT)
        return self.lab.read(self.name)

    def bars(self) -> list[str]:
        """The ids of the cells that have shown a progress bar."""
        return [self.ids[k] for k in self.page.evaluate("[...window.noted.bars]")]

    def turn_sliders(self) -> list[bool]:
        """Move every slider one stop with the keyboard: whether another picture then stands below each."""
        turned = []
        cells = self.page.locator(".jp-Notebook .jp-CodeCell", has=self.page.locator(".noUi-handle"))
        for k in range(cells.count()):
            handle, picture = cells.nth(k).locator(".noUi-handle"), cells.nth(k).locator("img").last
            handle.scroll_into_view_if_needed()
            before = picture.get_attribute("src")
            handle.press("ArrowRight")
            self.page.wait_for_timeout(500)
            self.page.wait_for_function(AT_REST, timeout=WAIT)
            self.page.wait_for_timeout(500)
            turned.append(picture.get_attribute("src") != before)
        return turned

    def not_set(self) -> list[str]:
        """Formulas that are shown as their source or as an error, once there was time to set them."""
        with contextlib.suppress(Exception):
            self.page.wait_for_function(f"() => ({NOT_SET})().length === 0", timeout=WAIT)
        return self.page.evaluate(NOT_SET)

    def seen(self) -> nbformat.NotebookNode:
        """The notebook with the outputs that the page shows; whatever stands in red is an error."""
        notebook = deepcopy(self.released)
        for cell, shown in zip(notebook.cells, self.page.evaluate(SHOWN), strict=True):
            if cell.cell_type == "code":
                cell.outputs = [_output(kind, text) for kind, text in shown]
        return notebook


def _output(kind: str, text: str) -> nbformat.NotebookNode:
    kind = kind.split(";")[0].split(",")[0]
    if kind == "application/vnd.jupyter.stderr":  # Lab shows errors and what goes to stderr alike, in red
        lines = text.strip().split("\n")
        return nbformat.v4.new_output("error", ename="", evalue=lines[-1], traceback=lines)
    if kind == "application/vnd.jupyter.stdout":
        return nbformat.v4.new_output("stream", name="stdout", text=text)
    return nbformat.v4.new_output("display_data", data={kind: text})
