"""The console command: help for each subcommand, exit codes, errors in one line."""

import json
import re

import pytest

from autograder.cli import main, parser

COMMANDS = re.findall(r"^    ([a-z]+)\b", parser().format_help(), re.MULTILINE)  # as `course --help` lists them


def test_help_lists_the_commands():
    assert {"build", "verify", "grade", "report", "export", "demo"} <= set(COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_has_help(command, capsys):
    with pytest.raises(SystemExit) as stopped:
        main([command, "--help"])
    assert stopped.value.code == 0
    assert "usage: course" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["build", "hw99"], "no assignment is called 'hw99'"),
        (["corpus", "fetch", "brown"], "brown"),
        (["corpus", "fetch"], "name a corpus"),
        (["train", "--corpus", "brown"], "brown"),
        (["reproduce", "ptb_transformer"], "no run is called 'ptb_transformer'"),
        (["train", "--corpus", "toy", "--rnn-type", "CNN"], "CNN"),
    ],
)
def test_wrong_input_is_one_line_and_exit_2(arguments, message, capsys):
    assert main(arguments) == 2
    error = capsys.readouterr().err
    assert message in error
    assert len(error.strip().splitlines()) == 1


def test_train_writes_its_table_and_goes_on_where_it_stopped(tmp_path, capsys):
    small = ["--embedding-size=8", "--hidden-size=8", "--num-layers=1", "--epochs=2", "--learning-rate=5"]
    arguments = ["train", "--corpus=toy", f"--folder={tmp_path}", "--device=cpu", *small]
    assert main(arguments) == 0
    first = json.loads((tmp_path / "result.json").read_text())
    assert first["recipe"]["hidden_size"] == 8
    assert first["test_perplexity"] > 1
    assert first["test_perplexity_of_the_file"] == pytest.approx(first["test_perplexity"], rel=1e-5)
    assert len((tmp_path / "history.csv").read_text().splitlines()) == 3
    capsys.readouterr()
    assert main(arguments) == 0
    assert "going on after epoch 2" in capsys.readouterr().out
    assert json.loads((tmp_path / "result.json").read_text())["test_perplexity"] == first["test_perplexity"]


def test_corpus_lists_its_names(capsys):
    assert main(["corpus", "list"]) == 0
    assert capsys.readouterr().out.split() == ["toy", "pydoc", "ptb", "wikitext2", "shakespeare"]


def test_reproduce_lists_its_runs(capsys):
    assert main(["reproduce"]) == 0
    assert "ptb_tied_lstm" in capsys.readouterr().out.split()
