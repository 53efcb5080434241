"""The feedback page: marks first, a card at each question, the line at fault; for everybody, without a network."""

import re

import nbformat
import pytest

from autograder.course.paths import OWN
from autograder.pages.mathematics import mathml
from autograder.pages.text import as_html
from tests.browser import accessible_on_a_phone, chromium_page
from tests.conftest import TinyCourse

HALVE = "\n\ndef halve(x):\n    if not x.size:\n        raise ValueError('none')\n    y = x + 2\n    return y"
CELLS = {"double": "def double(x):\n    return 2 * x\n\nfor n in range(90):\n    print(n)", "halve": HALVE}
MATHS = "Gates $z$ and $r$:\n\n$$ h' = z \\odot h + (1 - z) \\odot \\tanh\\left(\\frac{a}{2}\\right) $$"


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    """The page of a student with one slip, formulas in an answer, and much output."""
    course = TinyCourse.built(tmp_path_factory.mktemp("feedback") / "course")
    notebook = nbformat.read(course.released, as_version=4)
    for cell in notebook.cells:
        cell.source = CELLS.get(cell.id, cell.source)
        if cell.cell_type == "markdown" and cell.metadata.get("nbgrader", {}).get("solution"):
            cell.source = MATHS
    path = course.submitted("student-01")
    path.parent.mkdir(parents=True)
    nbformat.write(notebook, path)
    assert course.nbgrader("autograde", course.name).returncode == 0
    done = course.nbgrader("generate_feedback", course.name)
    assert done.returncode == 0, done.stderr
    return course.root / "feedback" / "student-01" / course.name / f"{course.name}.html"


def opened(shown, page, width=390, scheme="light"):
    shown.set_viewport_size({"width": width, "height": 900})
    shown.emulate_media(color_scheme=scheme)
    shown.goto(page.as_uri())


def test_marks_come_first_and_each_leads_to_its_card(page):
    with chromium_page() as shown:
        opened(shown, page, 1000)
        links = shown.locator("table.overview a")
        assert links.count() >= 3
        for place in range(links.count()):
            target = links.nth(place).get_attribute("href")
            assert shown.locator(target).count() == 1
        assert shown.locator("#q-double").inner_text().startswith("double: 2 of 2 points")
        card = shown.locator("#q-halve").inner_text()
        assert "halve: " in card
        assert "properties hold" in card
        assert "to be marked by hand" in shown.locator("body").inner_text()


def test_the_line_at_fault_is_marked_in_the_student_s_cell(page):
    with chromium_page() as shown:
        opened(shown, page, 1000)
        (line,) = shown.locator("li.fault").all()
        assert line.inner_text().strip() == "y = x + 2"
        shown.locator("#q-halve .hint a").click()
        assert shown.url.endswith("#line-q-halve")
        assert "every property holds" in shown.locator("#q-halve .hint").inner_text()


def test_formulas_are_drawn_and_nothing_is_asked_of_a_network(page):
    asked = []
    with chromium_page() as shown:
        shown.on("request", lambda request: asked.append(request.url))
        opened(shown, page)
        assert shown.locator("math").count() >= 3
        assert shown.locator("math mfrac").count() == 1
        assert shown.locator("script").count() == 0
    assert [url for url in asked if not url.startswith(("file:", "data:"))] == []
    assert page.stat().st_size < 3_000_000


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_is_cut_off_on_a_phone_and_axe_finds_no_fault(page, scheme):
    accessible_on_a_phone(page, scheme)


def test_long_outputs_and_given_code_are_folded(page):
    with chromium_page() as shown:
        opened(shown, page, 1000)
        summaries = [one.inner_text() for one in shown.locator("summary").all()]
        assert any(text.startswith("output, 90 lines") for text in summaries)
        assert any(text.startswith("given code") for text in summaries)


@pytest.mark.parametrize(
    "tex",
    [
        r"\text{<script>alert(1)</script>}",
        r"\text{&lt;img src=x onerror=alert(1)&gt;}",
        r"\href{javascript:alert(1)}{x}",
        r"\color{red\" onclick=\"x}{y}",
        r"\frac{" * 400,
        "x" * 5_000,
        r"\unknown{",
    ],
)
def test_no_formula_brings_markup_of_its_own(tex):
    made = mathml(tex, display=False)
    assert not any(word in made for word in ("<script", "<img", "onclick=", "href="))
    assert made.startswith(("<math", "<code>"))


def test_a_pasted_picture_is_drawn_and_no_address_whatever_the_picture_is_called():
    pasted = {"/hub/logout": {"image/png": "iVBORw0KGgo="}}
    assert as_html("![x](/hub/logout)", attachments=pasted)[0] == "<p>x</p>\n"
    assert 'src="data:image/png;base64,' in as_html("![x](attachment:/hub/logout)", attachments=pasted)[0]


def test_every_formula_of_the_course_is_drawn():
    for assignment in OWN.assignments():
        for cell in nbformat.read(OWN.root / "release" / assignment.name / f"{assignment}.ipynb", as_version=4).cells:
            if cell.cell_type == "markdown":
                for block, inline in re.findall(r"\$\$(.+?)\$\$|(?<![\\$])\$([^$\n]+?)\$", cell.source, re.S):
                    made = mathml(block or inline, display=bool(block))
                    assert made.startswith("<math"), block or inline
                    assert "\\" not in made.replace("&#x0005C;", ""), made
