"""Files that are written in one step."""

import pytest

from utils.files import replaced


def test_a_file_is_replaced_when_the_block_ends(tmp_path):
    path = tmp_path / "file.txt"
    for text in ("old", "new"):
        with replaced(path) as part:
            part.write_text(text)
            assert not path.exists() or path.read_text() == "old"
        assert path.read_text() == text
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("error", [OSError("no space left on device"), KeyboardInterrupt()], ids=["full", "stopped"])
def test_a_block_that_fails_leaves_the_old_file_and_nothing_else(tmp_path, error):
    path = tmp_path / "file.txt"
    path.write_text("old")

    def write():
        with replaced(path) as part:
            part.write_text("half")
            raise error

    with pytest.raises(type(error)):
        write()
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_that_does_not_exist_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="nowhere"), replaced(tmp_path / "nowhere" / "file") as part:
        part.write_text("new")
