"""A page in real Chromium and a Jupyter server, for tests of what people see and click."""

from __future__ import annotations

import contextlib
import importlib.util
import json
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import TinyCourse
from tests.processes import wait_for

QUIET = ["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]


@contextlib.contextmanager
def chromium_page() -> Iterator:
    """A playwright Page of 1400 by 1000 pixels; the test is skipped where Chromium or playwright is not there."""
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("no chromium here")
    playwright = pytest.importorskip("playwright.sync_api", reason="no playwright here")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=chromium, args=QUIET)
        try:
            yield browser.new_page(viewport={"width": 1400, "height": 1000})
        finally:
            browser.close()


def accessible_on_a_phone(place: Path | str, scheme: str, ready: str = "main") -> None:
    """Hold that a page of ours fits 390 pixels, and that axe-core finds no fault in it, all that is folded unfolded.

    place: a file or an address. ready: what a page shows once it is complete.
    """
    axe = importlib.util.find_spec("axe_playwright_python")
    if axe is None:
        pytest.skip("no axe-playwright-python here")
    script = (Path(axe.origin).parent / "axe.min.js").read_text(encoding="utf-8")
    with chromium_page() as wide:
        context = wide.context.browser.new_context(bypass_csp=True, viewport={"width": 390, "height": 900})
        page = context.new_page()
        page.emulate_media(color_scheme=scheme)
        page.goto(place if isinstance(place, str) else place.as_uri())
        page.locator(ready).first.wait_for()
        page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        page.evaluate(script)
        found = page.evaluate("axe.run()")["violations"]
        assert not found, json.dumps([(one["id"], one["nodes"][0]["html"]) for one in found])


@contextlib.contextmanager
def jupyter_server(course: TinyCourse) -> Iterator[str]:
    """A Jupyter server over the course's folder, as `jupyter lab` starts it; its address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    call = [sys.executable, "-m", "jupyter", "server", "--allow-root", "--ip=127.0.0.1", f"--port={port}"]
    call += ["--IdentityProvider.token=known", "--ServerApp.open_browser=False"]
    running = subprocess.Popen(call, cwd=course.root, env=course.env(), stderr=subprocess.DEVNULL)
    try:
        wait_for(lambda: _listens(port))
        yield f"http://127.0.0.1:{port}"
    finally:
        running.terminate()
        running.wait()


def _listens(port: int) -> bool:
    with contextlib.suppress(OSError):
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
        return True
    return False
