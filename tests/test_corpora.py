"""The corpora and the way they come: pinned bytes, token counts, and a server that misbehaves."""

import hashlib
import http.server
import os
import subprocess
import sys
import threading
from contextlib import closing, contextmanager
from dataclasses import replace
from socket import create_server

import pytest

from autograder.course.paths import ROOT
from utils import corpora, download
from utils.corpora import CorpusError

DATA = b"".join(b"line %d of a file\n" % number for number in range(20_000))
SHA256 = hashlib.sha256(DATA).hexdigest()


@contextmanager
def server(**behaviour):
    """A server of DATA on this machine: (address, list of the Range headers it was sent).

    drop: the first so many answers break off half-way. ignore_range: it always sends the whole file.
    data: what it sends. status: what it answers, and how often (then it behaves).
    """
    asked, options = [], {"drop": 0, "ignore_range": False, "data": DATA, "status": (200, 0), **behaviour}

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            wanted = self.headers["Range"]
            asked.append(wanted)
            code, times = options["status"]
            if len(asked) <= times:
                return self.send_error(code)
            data, start = options["data"], 0
            if wanted and not options["ignore_range"]:
                start = int(wanted.removeprefix("bytes=").removesuffix("-"))
                if start >= len(data):
                    return self.send_error(416)
                self.send_response(206)
                self.send_header("Content-Range", f"bytes {start}-{len(data) - 1}/{len(data)}")
            else:
                self.send_response(200)
            self.send_header("Content-Length", str(len(data) - start))
            self.end_headers()
            rest = data[start:]
            self.wfile.write(rest[: len(rest) // 2] if len(asked) <= options["drop"] else rest)

        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{running.server_port}", asked
        finally:
            running.shutdown()
            thread.join()


@pytest.fixture(autouse=True)
def surroundings(monkeypatch):
    """No waiting between tries, no proxy, no progress bar."""
    monkeypatch.setattr(download, "PAUSE", 0.001)
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setenv("NBGRADER_EXECUTION", "autograde")


def left(folder):
    return sorted(path.name for path in folder.iterdir() if path.suffix != ".lock")


def test_a_file_comes_whole_and_is_not_asked_for_twice(tmp_path):
    with server() as (address, asked):
        for _ in range(2):
            download.download(f"{address}/file", tmp_path / "deep" / "file", SHA256)
    assert asked == [None]
    assert (tmp_path / "deep" / "file").read_bytes() == DATA
    assert left(tmp_path / "deep") == ["file"]


def test_a_dropped_connection_is_taken_up_where_it_broke(tmp_path):
    with server(drop=2) as (address, asked):
        download.download(f"{address}/file", tmp_path / "file", SHA256)
    half = len(DATA) // 2
    assert asked == [None, f"bytes={half}-", f"bytes={half + (len(DATA) - half) // 2}-"]
    assert (tmp_path / "file").read_bytes() == DATA


def test_what_a_killed_process_left_is_gone_on_with(tmp_path):
    (tmp_path / "file.part").write_bytes(DATA[:1000])
    with server() as (address, asked):
        download.download(f"{address}/file", tmp_path / "file", SHA256)
    assert asked == ["bytes=1000-"]
    assert (tmp_path / "file").read_bytes() == DATA
    assert left(tmp_path) == ["file"]


def test_a_process_killed_before_its_last_step_leaves_nothing_to_download(tmp_path):
    (tmp_path / "file.part").write_bytes(DATA)
    download.download("http://127.0.0.1:9/file", tmp_path / "file", SHA256)
    assert (tmp_path / "file").read_bytes() == DATA


@pytest.mark.parametrize(
    "rest", [b"x" * 500, b"x" * len(DATA), DATA + b"more"], ids=["a wrong start", "wrong and whole", "too long"]
)
def test_a_wrong_or_too_long_rest_starts_over(tmp_path, rest):
    (tmp_path / "file.part").write_bytes(rest)
    with server() as (address, asked):
        download.download(f"{address}/file", tmp_path / "file", SHA256)
    assert asked[-1] is None
    assert (tmp_path / "file").read_bytes() == DATA


def test_a_server_that_ignores_the_range_starts_over(tmp_path):
    (tmp_path / "file.part").write_bytes(b"y" * 1000)
    with server(ignore_range=True, drop=1) as (address, asked):
        download.download(f"{address}/file", tmp_path / "file", SHA256)
    assert len(asked) == 2
    assert (tmp_path / "file").read_bytes() == DATA


def test_a_wrong_file_in_place_is_replaced(tmp_path):
    (tmp_path / "file").write_bytes(b"old")
    with server() as (address, _):
        download.download(f"{address}/file", tmp_path / "file", SHA256)
    assert (tmp_path / "file").read_bytes() == DATA


def test_a_busy_server_is_asked_again(tmp_path):
    with server(status=(503, 2)) as (address, asked):
        download.download(f"{address}/file", tmp_path / "file", SHA256)
    assert len(asked) == 3


@pytest.mark.parametrize(
    ("behaviour", "says", "times"),
    [
        ({"data": DATA[:-1] + b"?"}, "has other bytes than expected", 1),
        ({"status": (404, 99)}, "the server answers 404", 1),
        ({"status": (503, 99)}, "cannot be downloaded: the server answers 503", download.TRIES),
    ],
)
def test_what_cannot_be_had_is_said_in_one_line_and_leaves_nothing(tmp_path, behaviour, says, times):
    with server(**behaviour) as (address, asked), pytest.raises(download.DownloadError, match=says) as caught:
        download.download(f"{address}/file", tmp_path / "file", SHA256)
    assert f"{address}/file" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert len(asked) == times
    assert left(tmp_path) == []


def test_no_server_at_all(tmp_path):
    with closing(create_server(("127.0.0.1", 0))) as free:
        port = free.getsockname()[1]
    with pytest.raises(download.DownloadError, match="cannot be downloaded: Connection refused"):
        download.download(f"http://127.0.0.1:{port}/file", tmp_path / "file", SHA256)
    with pytest.raises(download.DownloadError, match="is not an address"):
        download.download("nonsense", tmp_path / "file", SHA256)


def test_several_processes_at_once_download_it_once(tmp_path):
    program = "import sys; from utils.download import download; download(*sys.argv[1:])"
    with server(drop=1) as (address, asked):
        command = [sys.executable, "-c", program, f"{address}/file", str(tmp_path / "file"), SHA256]
        processes = [subprocess.Popen(command, cwd=ROOT) for _ in range(3)]
        assert [process.wait(60) for process in processes] == [0, 0, 0]
    assert len(asked) == 2
    assert (tmp_path / "file").read_bytes() == DATA
    assert left(tmp_path) == ["file"]


def test_progress_goes_to_stdout_and_is_silent_under_grading(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(download, "PROGRESS_FROM", 1000)
    with server() as (address, _):
        download.download(f"{address}/file", tmp_path / "one", SHA256)
        assert capsys.readouterr() == ("", "")
        monkeypatch.delenv("NBGRADER_EXECUTION")
        download.download(f"{address}/file", tmp_path / "two", SHA256)
    shown = capsys.readouterr()
    assert "two" in shown.out
    assert shown.err == ""


@pytest.fixture
def small(tmp_path, monkeypatch):
    """A corpus of two small files in place of Shakespeare, an empty cache and no COURSE_DATA."""
    digest = hashlib.sha256(DATA).hexdigest()
    source = corpora.FILES["shakespeare"]
    monkeypatch.setitem(corpora.FILES, "shakespeare", replace(source, sha256={"input.txt": digest}))
    monkeypatch.setenv("COURSE_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("COURSE_DATA", raising=False)
    return tmp_path


def test_a_corpus_is_downloaded_into_the_cache_once(small, monkeypatch):
    with server() as (address, asked):
        monkeypatch.setenv("COURSE_MIRROR", address + "/")
        corpus = corpora.load("shakespeare")
        assert corpora.fetch("shakespeare") == small / "cache" / "tinyshakespeare"
    assert len(asked) == 1
    assert [len(corpus.train), len(corpus.valid), len(corpus.test)] == [18_000, 1000, 1000]
    assert "".join(corpus.text(split) for split in corpora.SPLITS).encode() == DATA


def test_course_data_is_looked_in_first(small, monkeypatch):
    monkeypatch.setenv("COURSE_DATA", str(small / "data"))
    folder = small / "data" / "tinyshakespeare"
    folder.mkdir(parents=True)
    (folder / "input.txt").write_bytes(DATA)
    assert corpora.fetch("shakespeare") == folder
    (folder / "input.txt").write_bytes(b"other")
    with server() as (address, _):
        monkeypatch.setenv("COURSE_MIRROR", address)
        assert corpora.fetch("shakespeare") == small / "cache" / "tinyshakespeare"
    assert (folder / "input.txt").read_bytes() == b"other"


def test_a_failure_names_every_place_and_what_to_do(small, monkeypatch):
    monkeypatch.setenv("COURSE_DATA", str(small / "data"))
    cached = small / "cache" / "tinyshakespeare" / "input.txt"
    cached.parent.mkdir(parents=True)
    cached.write_bytes(b"other")
    with server(status=(404, 9)) as (address, _):
        monkeypatch.setenv("COURSE_MIRROR", address)
        with pytest.raises(CorpusError) as caught:
            corpora.load("shakespeare")
    message, other = str(caught.value), hashlib.sha256(b"other").hexdigest()
    url = f"{address}/tinyshakespeare/input.txt"
    assert f"{small / 'data' / 'tinyshakespeare' / 'input.txt'} does not exist" in message
    assert f"{cached} has other bytes (sha256 {other}, expected {SHA256})" in message
    assert "404" in message
    assert message.endswith(f"get {url} in another way and save it as {cached}")
    assert "\n" not in message


def test_a_cache_that_cannot_be_written_is_a_corpus_error(small, monkeypatch):
    (small / "cache").write_text("a file where the folder should be")
    with pytest.raises(CorpusError, match=r"input.txt does not exist; and .*cache"):
        corpora.load("shakespeare")


def test_unknown_names_and_corpora_without_files():
    for call in (corpora.load, corpora.fetch):
        with pytest.raises(
            CorpusError, match="no corpus 'brown'; choose one of toy, pydoc, ptb, wikitext2, shakespeare"
        ):
            call("brown")
    with pytest.raises(CorpusError, match="no files"):
        corpora.fetch("toy")
    assert set(corpora.LICENCES) == set(corpora.NAMES)


@pytest.mark.skipif(sys.platform != "linux", reason="XDG_CACHE_HOME is Linux's")
def test_the_cache_is_the_platforms_own_unless_another_is_named(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.delenv("COURSE_CACHE", raising=False)
    assert corpora.cache_folder() == tmp_path / "recurrent-language-models"
    monkeypatch.setenv("COURSE_CACHE", str(tmp_path / "other"))
    assert corpora.cache_folder() == tmp_path / "other"


def test_the_toy_corpus_has_the_same_bytes_everywhere():
    corpus = corpora.load("toy")
    text = "".join(corpus.text(split) for split in corpora.SPLITS)
    assert (
        hashlib.sha256(text.encode()).hexdigest() == "b9b25e1367079b6e33442f6e53f8f9aab0e44499caeebcb7f6e588fbf4f47925"
    )
    assert [tokens(getattr(corpus, split)) for split in corpora.SPLITS] == [55_692, 5_888, 5_562]
    corpus.train.clear()  # a notebook may do with it what it likes
    assert tokens(corpora.load("toy").train) == 55_692


def test_the_pydoc_corpus_is_prose():
    corpus = corpora.load("pydoc")
    lines = corpus.train + corpus.valid + corpus.test
    assert len(lines) > 1000
    assert sum("the" in line.split() for line in lines) > len(lines) / 2
    assert not any("::=" in line or "***" in line or "  " in line for line in lines)
    assert len(corpus.train) > 15 * len(corpus.valid) > 0
    assert len(corpus.test) > 0


def tokens(lines):
    return sum(len(line.split()) + 1 for line in lines)


needs_data = pytest.mark.skipif("COURSE_DATA" not in os.environ, reason="needs the real corpora: set COURSE_DATA")


@needs_data
@pytest.mark.parametrize(
    ("name", "counts", "words"),
    [
        ("ptb", [929_589, 73_760, 82_430], 10_000),
        ("wikitext2", [2_088_628, 217_646, 245_569], 33_278),
    ],
)
def test_the_protocols_token_counts(name, counts, words):
    corpus = corpora.load(name)
    assert [tokens(getattr(corpus, split)) for split in corpora.SPLITS] == counts
    assert len({word for line in corpus.train for word in line.split()} | {"<eos>"}) == words


@needs_data
def test_shakespeare_characters():
    corpus = corpora.load("shakespeare")
    text = "".join(corpus.text(split) for split in corpora.SPLITS)
    assert len(text) == 1_115_394
    assert text.startswith("First Citizen:\nBefore we proceed any further, hear me speak.\n")
    assert [len(corpus.train), len(corpus.valid), len(corpus.test)] == [36_000, 2_000, 2_000]
