"""Long runs and the corpora: train, reproduce, tables."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import fields, replace
from pathlib import Path

from autograder.commands.command import Add, count
from autograder.course.errors import CourseError
from utils import corpora


def add(command: Add) -> None:
    """Add these commands to the command line."""
    corpus = command("corpus", _corpus, "List, fetch and measure the corpora.")
    corpus.add_argument("action", choices=["list", "fetch", "baselines"])
    corpus.add_argument("name", nargs="?", help="corpus, for fetch and baselines")
    training = command("train", _train, "Train the word language model of hw5; resumes from its folder.")
    _recipe_options(training)
    repeat = command("reproduce", _reproduce, "Repeat a run of results/; resumes from its folder.")
    repeat.add_argument("name", nargs="?", help="which run; without a name they are listed")
    repeat.add_argument("--folder", type=Path, help="checkpoints and results (default: runs/<name>)")
    repeat.add_argument(
        "--stop-after", type=count, help="measure after so many epochs; without it a later call goes on"
    )
    command("results", _results, "Write the tables and the picture of results/README.md from the runs' own files.")


def _recipe_options(training: argparse.ArgumentParser) -> None:
    from autograder.runs.recipes import Recipe

    for field in fields(Recipe):
        flag = "--" + field.name.replace("_", "-")
        default = field.default
        if isinstance(default, bool):
            training.add_argument(flag, action=argparse.BooleanOptionalAction, default=default)
        else:
            training.add_argument(flag, type=type(default), default=default, help=f"default {default}")
    training.add_argument("--device", help="cpu or cuda; the GPU where there is one by default")
    training.add_argument("--folder", type=Path, help="checkpoints and results (default: runs/<corpus>_<type>)")


def _corpus(options) -> int:
    if options.action == "list":
        print("\n".join(corpora.NAMES))
        return 0
    if not options.name:
        raise CourseError(f"name a corpus: {', '.join(corpora.NAMES)}")
    if options.action == "fetch":
        print(f"{options.name} is in {corpora.fetch(options.name)}")
        return 0
    from utils.baselines import baselines

    corpus = corpora.load(options.name)
    for name, value in baselines(corpus.train, corpus.test).items():
        print(f"{name:10s} {value:10.1f}")
    return 0


def _train(options) -> int:
    from autograder.runs.recipes import Recipe
    from autograder.runs.train import train

    recipe = replace(Recipe(), **{field.name: getattr(options, field.name) for field in fields(Recipe)})
    folder = options.folder or options.course.root / "runs" / f"{recipe.corpus}_{recipe.rnn_type.lower()}"
    result = train(recipe, folder, options.device)
    print(f"test perplexity {result['test_perplexity']:.2f}, validation {result['validation_perplexity']:.2f}")
    return 0


def _reproduce(options) -> int:
    from autograder.runs.reproduce import EXPERIMENTS, reproduce

    if not options.name:
        print("\n".join(EXPERIMENTS))
        return 0
    folder = options.folder or options.course.root / "runs" / options.name
    result = reproduce(options.name, folder, options.stop_after)
    print("".join(f"{key:36} {value:10.4f}\n" for key, value in _measures(result)) + f"written to {folder}")
    return 0


def _measures(result: dict) -> Iterator[tuple[str, float]]:
    """What a run measured on validation and test text, by name; of a model of characters, several figures of each."""
    for key, value in result.items():
        if key.startswith(("test", "valid")):
            figures = value if isinstance(value, dict) else {"": value}
            yield from ((f"{key}_{name}".rstrip("_"), figure) for name, figure in figures.items())


def _results(options) -> int:
    from autograder.runs.results import RESULTS, write_results

    write_results()
    print(f"wrote {RESULTS / 'README.md'} and {RESULTS / 'ptb_curves.svg'}")
    return 0
