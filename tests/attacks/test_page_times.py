"""How long pages and `course similar` take for the longest and oddest texts."""

import time

import pytest

from autograder.intake.outputs import LIMIT
from autograder.pages.safe_pages import CODE, MARKDOWN, ansi2html, highlight_code, markdown2html
from autograder.similarity.tokens import tokens
from autograder.similarity.winnowing import alike, passages
from tests.conftest import thorough

LONGEST = 1 << 20  # characters of a cell that intake lets through
BITS = [
    "[", "![", "[a](", "](", "`", "` `", "*", "**a ", "_a ", "<", "<a ", "<!--", "$", "$a ", "$$ ", "\\\\(", "\\\\[",
    "\\\\[\n", "\\begin{a}", "&", "&#1", "~~a ", "> ", "> a\n", "- ", "- [ ] a\n", "1. ", "|", "|a|\n|-|\n",
    "[a]: b\n", "a\n: b\n", "```\n", "http://a", "www.", "\\", "#", "# a\n", "a\n=\n", " ", "\n", " \n", "\t",
    "<div>\n", "'", "\"", "\\\"", "\\'", "'''", "\"\"\"", "f'{", "?", "a?\n", "!", "%", "%%a\n", "@", "0", "1e", "a",
    "a.", "import a,\n", "{", "(", "from a ", "\x1b[", "\x1b[1m", "\x1b[1ma", "\x1b[1;", "\x1b", "\r", "\\\n",
    "\"a\\\n", "x = ", "for ", "é", "b'",
]  # fmt: skip


def of(bit: str, size: int) -> str:
    """A text of a size that says one thing over and over."""
    return (bit * (size // len(bit) + 1))[:size]


def seconds(work, *arguments) -> float:
    """Seconds of this process that something takes."""
    started = time.process_time()
    work(*arguments)
    return time.process_time() - started


def laid_out(text: str) -> None:
    """All that is done with a text of a student's on a page."""
    markdown2html({}, text)
    highlight_code(text)
    ansi2html(text)


def twice_as_long(work, bit: str, size: int) -> bool:
    """Whether twice the text takes at most 2.3 times the time, and twice of that once more; noise is measured again."""
    for _ in range(3):
        quarter, whole = (seconds(work, of(bit, part)) for part in (size // 4, size))
        if whole < 2.3**2 * max(quarter, 0.02):
            return True
    return False


@pytest.mark.parametrize("size", [MARKDOWN, LONGEST], ids=["laid out", "longest"])
def test_no_text_takes_long_on_a_page(size):
    bits = BITS if thorough() else BITS[::3]
    assert not [bit for bit in bits if seconds(laid_out, of(bit, size)) > 2]
    assert not [bit for bit in bits if seconds(highlight_code, of(bit, min(size, CODE))) > 2]


@pytest.mark.slow
def test_twice_the_text_takes_a_page_twice_the_time():
    assert not [bit for bit in BITS if not twice_as_long(laid_out, bit, LONGEST)]


@pytest.mark.slow
def test_twice_the_code_takes_course_similar_twice_the_time():
    assert not [bit for bit in BITS if not twice_as_long(tokens, bit, LIMIT // 2)]


@pytest.mark.parametrize("bit", ['\\"', "a.", '"a\\\n'])
def test_two_of_the_longest_hand_ins_are_compared_in_seconds(bit):
    works = {student: {"double": of(bit, LIMIT)} for student in ("student-01", "student-02")}
    assert seconds(lambda: [passages(pair) for pair in alike(works)]) < 15


def test_half_a_pair_of_surrogates_is_compared_like_any_other_text():
    works = {student: {"double": "x = ['\ud800', y] + f(\ud800, 1) - 2 * z % 3\n" * 3} for student in ("one", "two")}
    assert alike(works)[0].shares == (1.0, 1.0)
