"""The model answer and rubric below each written answer on the formgrader's marking page, and on no other page."""

from __future__ import annotations

from pathlib import Path

import nbformat
from nbconvert.preprocessors import Preprocessor
from nbgrader.coursedir import CourseDirectory

from autograder.course.rubrics import parts
from autograder.pages.safe_pages import course_cell

HEADING = "Model answer and rubric (students do not see this)"


class RubricInSight(Preprocessor):
    """Acts where a page is made for the formgrader, which alone says which submission is marked."""

    def preprocess(self, nb: nbformat.NotebookNode, resources: dict) -> tuple[nbformat.NotebookNode, dict]:
        """Put what source/ says after each written answer; feedback pages are left as they are."""
        if "submission_id" not in resources:
            return nb, resources
        coursedir = CourseDirectory(parent=self)
        folder = coursedir.format_path(coursedir.source_directory, ".", resources["assignment_id"])
        answers = rubrics(Path(folder) / f"{resources['notebook_id']}.ipynb")
        cells = []
        for cell in nb.cells:
            cells.append(cell)
            if text := answers.get(cell.metadata.get("nbgrader", {}).get("grade_id")):
                box = f'<div class="alert alert-info">\n\n**{HEADING}**\n\n{text}\n\n</div>'
                cells.append(course_cell(box))
        nb.cells = cells
        return nb, resources


def rubrics(source: Path) -> dict[str, str]:
    """The model answer and rubric of each written question in an instructor's notebook, by its id."""
    if not source.is_file():
        return {}
    written = [cell for cell in nbformat.read(source, as_version=4).cells if cell.cell_type == "markdown"]
    below = {cell.metadata.nbgrader.grade_id: parts(cell.source)[1] for cell in written if "nbgrader" in cell.metadata}
    return {name: text for name, text in below.items() if text}
