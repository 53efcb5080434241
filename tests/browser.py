"""A page in real Chromium, for tests of what people see and click."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator

import pytest

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
