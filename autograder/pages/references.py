"""What a recomputed figure is compared with: baselines, the exact value where it is known, and published figures."""

from __future__ import annotations

import json

from autograder.course.paths import Course
from autograder.oracle.bars import toy_characters, toy_words
from utils import corpora, toy
from utils.baselines import baselines

MODELS = ("LSTM", "LSTM dropout", "GRU", "GRU dropout")  # hw6's figures are named by its models
# Test perplexities of Penn Treebank, 2 x 200 where it is a network; each with its source.
PTB = {
    "unigram": 639.3,
    "bigram": 186.5,
    "trigram": 154.3,
    "Kneser-Ney 5-gram (Mikolov et al. 2011)": 141.2,
    "LSTM without dropout (Zaremba et al. 2014)": 114.5,
    "tied LSTM (README of pytorch/examples, 2017)": 87.17,
    "tied LSTM, variational dropout, augmented loss (Inan et al. 2016)": 82.7,
}


def references(figure: str, course: Course) -> dict[str, float]:
    """What a figure is compared with, by name; nothing for an unknown figure. Lower is better for all of them."""
    if figure == "perplexity over the exact one" or figure in MODELS:
        return toy_words()
    if figure == "bits per character over the exact ones":
        return toy_characters()
    if figure == "test perplexity on toy":
        corpus = corpora.load("toy")
        return {**baselines(corpus.train, corpus.test), "exact, from the grammar": toy.exact_perplexity(corpus.test)}
    if figure == "test perplexity on ptb":
        return PTB | own_results(course)
    if figure == "test perplexity on wikitext2":
        return {"bigram": 266.4}
    return {}


def own_results(course: Course) -> dict[str, float]:
    """The course's own test perplexities on Penn Treebank (`results/`), of models of words: others count characters."""
    perplexities = {}
    for path in sorted((course.root / "results").glob("ptb_*/result.json")):
        result = json.loads(path.read_text(encoding="utf-8"))
        if result.get("test_perplexity") and not result["recipe"].get("characters"):
            perplexities[f"this course's {path.parent.name}"] = result["test_perplexity"]
    return perplexities
