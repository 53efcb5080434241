"""The README's pictures, of a class of hw4 that is graded for them, in Chromium: python -m docs.pictures"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from autograder.build.builder import build
from autograder.course.paths import OWN, ROOT
from autograder.verification.samples import answered_notebook, hand_in, sample_submissions
from tests.browser import chromium_page

HW4 = OWN.assignment("hw4_gru_gradients")
NAME = HW4.name
SHOWN = "misconception-gru_cell_backward-7"
SIZE = {"width": 1000, "height": 560}


def main() -> None:
    """Write docs/feedback.png and docs/report.png."""
    with tempfile.TemporaryDirectory() as folder, chromium_page() as page:
        course = Path(folder)
        build(HW4, course)
        (course / "nbgrader_config.py").write_text((ROOT / "nbgrader_config.py").read_text())
        for number, one in enumerate(sample_submissions(HW4), 1):
            hand_in(course, f"student-{number:02}", HW4, answered_notebook(HW4, one.cells, number))
            if one.name == SHOWN:
                student = f"student-{number:02}"
        for command in (
            ("autograder.cli", "grade", NAME),
            ("autograder.cli", "report", NAME),
            ("nbgrader", "generate_feedback", NAME, "--student", student),
        ):
            subprocess.run([sys.executable, "-m", *command], cwd=course, check=True)
        page.set_viewport_size(SIZE)
        page.goto((course / "feedback" / student / NAME / f"{NAME}.html").as_uri())
        page.locator("#q-gru-cell-backward").evaluate("card => card.scrollIntoView()")
        page.evaluate("scrollBy(0, -60)")
        page.screenshot(path=ROOT / "docs" / "feedback.png")
        page.goto((course / "report" / f"{NAME}.html").as_uri())
        page.get_by_text("What went worst", exact=True).evaluate("heading => heading.scrollIntoView()")
        page.screenshot(path=ROOT / "docs" / "report.png")


if __name__ == "__main__":
    main()
