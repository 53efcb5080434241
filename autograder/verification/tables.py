"""The tables of `course verify`, in Markdown: what was graded, how mistakes are explained, what edits came to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from autograder.course.paths import Assignment
from autograder.oracle.questions import Question, load_questions
from autograder.verification.mutants import Mutants, table
from autograder.verification.samples import solution_cells
from autograder.verification.verify import TOLD, Result, judge, paired, question_points


def report(results: dict[Assignment, list[Result]], edits: Mapping[Assignment, list[Mutants]] | None = None) -> str:
    """The table in Markdown: what was graded, question by question, and the two rates; what became of single edits."""
    lines = ["# The grader, graded", ""]
    lines += ["Written by `make verify`: every submission below was graded as `nbgrader autograde` grades.", ""]
    summaries = {name: judge(name, rows) for name, rows in results.items()}
    wrong, accepted = (sum(getattr(s, key) for s in summaries.values()) for key in ("wrong", "wrong_accepted"))
    right, refused = (sum(getattr(s, key) for s in summaries.values()) for key in ("right", "right_refused"))
    lines += ["| rate | value |", "| --- | --- |"]
    lines += [f"| wrong accepted | {accepted} of {wrong} |", f"| right refused | {refused} of {right} |", ""]
    lines += ["*Wrong* counts each misconception and each graded cell of an untouched release; *right* counts each"]
    lines += [
        "graded cell of the solutions and of the submissions made of alternatives. *Named* counts the misconceptions"
    ]
    lines += [
        "whose own sentence stood in the feedback. A misconception costs marks in its own question alone; what is"
    ]
    lines += ["trained with its function, in a cell of its own, is not judged then.", ""]
    for assignment, rows in results.items():
        lines += [f"## {assignment}", ""]
        heads = "question|points|cases|solution|release|misconceptions caught|named|alternatives kept|builds on"
        lines += [f"| {heads.replace('|', ' | ')} |"]
        lines += ["| --- | --- | --- | --- | --- | --- | --- | --- | --- |"]
        lines += [_row(question, assignment, rows) for question in load_questions(assignment)] + [""]
        if summaries[assignment].problems:
            lines += ["Problems:", ""] + [f"- {problem}" for problem in summaries[assignment].problems] + [""]
        lines += [
            "| misconception | question | marks kept in it | named | visible check |",
            "| --- | --- | --- | --- | --- |",
        ]
        for sample, row in paired(assignment, rows):
            if sample.question and sample.misconception:
                about = sample.question.id
                kept = f"{row.scores.get(about, 0):g} of {question_points(assignment)[about]:g}"
                seen = sample.misconception.unseen if about in row.checked else "sees it"
                cells = [sample.misconception.name, f"`{about}`", kept, "yes" if row.named else "", seen]
                lines.append(f"| {' | '.join(cells)} |")
        lines.append("")
    lines += explained(results)
    if edits:
        lines += ["## Single edits", ""]
        lines += [
            "Every single edit of a solution's function (`course mutate`), asked like a student's. *Equivalent* are"
        ]
        lines += ["edits that are right as well, by a sentence beside the question.", "", table(edits)]
    return "\n".join(lines)


def explained(results: Mapping[Assignment, list[Result]]) -> list[str]:
    """The table of how slips are explained, in lines of Markdown."""
    lines = ["## Mistakes without a name", ""]
    lines += ["Single edits of the alternatives, some in each submission, that lost points. *named*: a misconception's"]
    lines += ["sentence; *line*: the line at fault, by an edit with which every property holds or by the error that it"]
    lines += ["raised; *points*: what is wrong of the answer, or the kind of slip; *vague*: that values are wrong."]
    lines += ["*elsewhere*: questions that lost points and had no slip.", ""]
    lines += [
        "| assignment | slips | named | line | points | vague | elsewhere |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for assignment, rows in results.items():
        counts, elsewhere = Counter(slips_told(assignment, rows)), 0
        for sample, row in paired(assignment, rows):
            if sample.kind == "slip":
                elsewhere += len(row.told.keys() & solution_cells(assignment).keys() - sample.edited.keys())
        cells = [assignment.name.split("_")[0], counts.total(), *(counts[how] for how in TOLD), elsewhere]
        lines.append("| " + " | ".join(map(str, cells)) + " |")
    return [*lines, ""]


def slips_told(assignment: Assignment, rows: list[Result]) -> list[str]:
    """How each slip that lost points is explained."""
    return [
        row.told[name]
        for sample, row in paired(assignment, rows)
        if sample.kind == "slip"
        for name in sample.edited
        if name in row.told
    ]


LED = 0.87  # of the slips that lose points, those whose feedback names the mistake or leads to its line


def leads(results: Mapping[Assignment, list[Result]]) -> float:
    """The share of slips that are named or led to their line."""
    told = [how for assignment, rows in results.items() for how in slips_told(assignment, rows)]
    return sum(how in TOLD[:2] for how in told) / max(len(told), 1)


def _row(question: Question, assignment: Assignment, rows: list[Result]) -> str:
    points = question_points(assignment)[question.id]
    pairs = paired(assignment, rows)
    score = {h.kind: r.scores.get(question.id, 0) for h, r in pairs if h.kind in ("solution", "release")}
    mine = [r for h, r in pairs if h.misconception and h.question is question]
    caught = sum(r.scores.get(question.id, 0) < points for r in mine)
    tried = [r for h, r in pairs if question.id in h.edited]
    kept = sum(r.scores.get(question.id) == points for r in tried)
    cells = [
        f"`{question.id}`",
        f"{points:g}",
        str(len(question.cases)),
        f"{score['solution']:g}",
        f"{score['release']:g}",
        f"{caught} of {len(mine)}",
        str(sum(r.named for r in mine)),
        f"{kept} of {len(tried)}",
        ", ".join(f"`{name}`" for name in question.builds_on),
    ]
    return "| " + " | ".join(cells) + " |"
