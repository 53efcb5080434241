"""`course new`: what it writes builds and verifies at once."""

import pytest

from tests.conftest import TinyCourse


@pytest.fixture
def course(tmp_path):
    """A tiny course, to which assignments may be added."""
    return TinyCourse(tmp_path / "course")


def test_a_new_assignment_builds_and_verifies_at_once(course):
    begun = course.course("new", "hw8_attention")
    assert begun.returncode == 0, begun.stderr
    assert "course build hw8_attention" in begun.stdout
    built = course.course("build", "hw8")
    assert built.returncode == 0, built.stderr
    assert (course.root / "release" / "hw8_attention" / "hw8_attention.ipynb").is_file()
    verified = course.course("verify", "hw8", "--jobs", "1", "--output", "table.md")
    assert verified.returncode == 0, verified.stdout + verified.stderr
    table = (course.root / "table.md").read_text()
    assert "bits_per_token" in table
    assert "hw8_attention" in table


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("attention", "needs a name like hw8_attention"),
        ("../hw8_attention", "needs a name like hw8_attention"),
        ("hw0_other", "hw0 is taken by hw0_tiny"),
    ],
)
def test_a_name_that_will_not_do_is_one_sentence(course, name, told):
    refused = course.course("new", name)
    assert refused.returncode == 2
    assert told in refused.stderr
    assert "Traceback" not in refused.stderr
    assert [path.name for path in (course.root / "assignments").iterdir()] == ["hw0_tiny"]


def test_what_stands_is_not_written_over(course):
    (course.root / "assignments" / "hw8_attention").mkdir()
    (course.root / "assignments" / "hw8_attention" / "notes.md").write_text("mine")
    assert "exists already" in course.course("new", "hw8_attention").stderr
    assert (course.root / "assignments" / "hw8_attention" / "notes.md").read_text() == "mine"
