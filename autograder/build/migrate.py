"""Questions that come and go after submissions: the gradebook's cells follow the notebook's, and marks stay."""

from __future__ import annotations

import nbformat
from nbgrader import utils
from nbgrader.api import (
    BaseCell,
    Comment,
    Grade,
    Gradebook,
    GradeCell,
    MissingEntry,
    Notebook,
    SolutionCell,
    SourceCell,
)


def migrate(gradebook: Gradebook, name: str, notebook: nbformat.NotebookNode) -> list[str]:
    """Give an assignment that has submissions the graded, solution and source cells of a notebook that is built anew.

    nbgrader refuses to. A cell that goes takes its marks and comments along; one that comes has neither yet, and waits
    for the next grading. All is one transaction. Returns in words which graded cells came and went; nothing is done,
    and nothing returned, where nobody has handed in.
    """
    try:
        book = gradebook.find_notebook(name, name)
    except MissingEntry:
        return []
    if not book.submissions:
        return []
    graded = {cell.metadata.nbgrader["grade_id"]: cell for cell in notebook.cells if utils.is_grade(cell)}
    written = {cell.metadata.nbgrader["grade_id"]: cell for cell in notebook.cells if utils.is_solution(cell)}
    kept = {
        cell.metadata.nbgrader["grade_id"]: cell
        for cell in notebook.cells
        if utils.is_grade(cell) or utils.is_solution(cell) or utils.is_locked(cell)
    }
    told = []
    for cells, wanted in ((book.grade_cells, graded), (book.solution_cells, written), (book.source_cells, kept)):
        for cell in [cell for cell in cells if cell.name not in wanted]:
            _remove(gradebook, cell)
            if isinstance(cell, GradeCell):
                told.append(f"{cell.name.removeprefix('check_')} is dropped, with its marks")
    for grade_id, cell in graded.items():
        if grade_id not in {one.name for one in book.grade_cells}:
            points = float(cell.metadata.nbgrader["points"])
            new = _add(gradebook, book, GradeCell(name=grade_id, max_score=points, cell_type=cell.cell_type))
            gradebook.db.add_all(Grade(cell_id=new.id, notebook=work) for work in book.submissions)
            told.append(f"{grade_id.removeprefix('check_')} is new: the next grading marks it")
    for grade_id in written.keys() - {one.name for one in book.solution_cells}:
        new = _add(gradebook, book, SolutionCell(name=grade_id))
        gradebook.db.add_all(Comment(cell_id=new.id, notebook=work) for work in book.submissions)
    for grade_id in kept.keys() - {one.name for one in book.source_cells}:
        cell = kept[grade_id]
        locked = bool(utils.is_locked(cell))
        _add(gradebook, book, SourceCell(name=grade_id, cell_type=cell.cell_type, locked=locked, source=cell.source))
    gradebook.db.commit()
    return told


def _add(gradebook: Gradebook, book: Notebook, cell: BaseCell) -> BaseCell:
    cell.notebook = book
    gradebook.db.add(cell)
    gradebook.db.flush()
    return cell


def _remove(gradebook: Gradebook, cell: BaseCell) -> None:
    for entry in [*getattr(cell, "grades", []), *getattr(cell, "comments", [])]:
        gradebook.db.delete(entry)
    gradebook.db.delete(cell)
    gradebook.db.flush()
    gradebook.db.expire_all()
