"""The console command: help for each subcommand, exit codes, errors in one line."""

import json
import re
from dataclasses import replace
from functools import partial

import pytest

from autograder.cli import main, parser
from autograder.runs import reproduce, samples
from autograder.runs.train import train
from utils import weights

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
        (["train", "--corpus", "toy", "--device", "gpu"], "device 'gpu' cannot be used here: choose cpu, or cuda"),
        (["calibrate", "hw4", "--seeds", "1"], "the spread over seeds, which takes at least 2, got 1"),
    ],
)
def test_wrong_input_is_one_line_and_exit_2(arguments, message, capsys):
    assert main(arguments) == 2
    error = capsys.readouterr().err
    assert message in error
    assert len(error.strip().splitlines()) == 1


@pytest.mark.parametrize(
    "arguments", [["calibrate", "hw99", "--threads", "0"], ["reproduce", "x", "--stop-after", "0"]]
)
def test_a_count_of_none_is_refused(arguments, capsys):
    with pytest.raises(SystemExit) as stopped:
        main(arguments)
    assert stopped.value.code == 2
    assert f"argument {arguments[2]}: must be a number of at least 1, got '0'" in capsys.readouterr().err


SMALL = ["--embedding-size=8", "--hidden-size=8", "--num-layers=1", "--epochs=2", "--learning-rate=5"]


def test_train_writes_its_table_and_goes_on_where_it_stopped(tmp_path, capsys):
    arguments = ["train", "--corpus=toy", f"--folder={tmp_path}", "--device=cpu", *SMALL]
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


def test_train_ends_well_with_weights_too_large_to_hand_in_and_a_corpus_without_prompts(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(weights, "LIMIT", 1000)
    monkeypatch.delitem(samples.PROMPTS, "toy")
    assert main(["train", "--corpus=toy", f"--folder={tmp_path}", "--device=cpu", *SMALL]) == 0
    assert "word_lm.safetensors is not written: the weights take " in capsys.readouterr().out
    result = json.loads((tmp_path / "result.json").read_text())
    assert result["test_perplexity"] > 1
    assert "test_perplexity_of_the_file" not in result
    assert {path.suffix for path in tmp_path.iterdir()} == {".csv", ".json", ".safetensors"}
    assert not (tmp_path / "word_lm.safetensors").exists()


def test_reproduce_prints_the_figures_of_a_character_model(tmp_path, monkeypatch, capsys):
    recipe = reproduce.RECIPES["ptb_char_lstm"]
    small = replace(recipe, corpus="toy", embedding_size=8, hidden_size=8, num_layers=1, epochs=1)
    monkeypatch.setitem(reproduce.EXPERIMENTS, "ptb_char_lstm", partial(train, small))
    assert main(["reproduce", "ptb_char_lstm", f"--folder={tmp_path}"]) == 0
    figures = dict(re.findall(r"^(\w+) +(\d+\.\d{4})$", capsys.readouterr().out, re.MULTILINE))
    measured = json.loads((tmp_path / "result.json").read_text())
    assert figures["test_bits_per_character"] == f"{measured['test']['bits_per_character']:.4f}"
    assert {"validation_perplexity", "valid_word_perplexity", "test_word_perplexity"} <= set(figures)


def test_corpus_lists_its_names(capsys):
    assert main(["corpus", "list"]) == 0
    assert capsys.readouterr().out.split() == ["toy", "pydoc", "ptb", "wikitext2", "shakespeare"]


def test_reproduce_lists_its_runs(capsys):
    assert main(["reproduce"]) == 0
    assert "ptb_tied_lstm" in capsys.readouterr().out.split()
