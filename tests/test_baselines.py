"""The baselines: by hand on a tiny text, as distributions, and the known numbers on Penn Treebank."""

import math
import os

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from utils import corpora
from utils.baselines import baselines, kneser_ney, log_probabilities


def test_a_tiny_text_by_hand():
    # stream: a b <eos> a a <eos>; vocabulary <eos>, a, b
    train = ["a b", "a a"]
    found = baselines(train, ["a a b"])  # predicted: a, b, <eos>
    assert found["uniform"] == 3
    assert math.isclose(found["unigram"], (3 / 6 * 1 / 6 * 2 / 6) ** (-1 / 3))
    # bigrams: ab, b<eos>, <eos>a, aa, a<eos>; <eos> and a follow two different words each, b one
    eos, a, b = ((n - 0.75 + 3 * 0.75 / 3) / 5 for n in (2, 2, 1))
    after_a = [(0.25 + 3 * 0.75 * p) / 3 for p in (eos, a, b)]  # a was followed by each of the three once
    after_b_eos = (0.25 + 0.75 * eos) / 1
    bigram = (after_a[1] * after_a[2] * after_b_eos) ** (-1 / 3)
    assert math.isclose(found["bigram"], bigram)


def test_a_trigram_by_hand():
    # a b a c: trigrams aba, bac; the bigrams ba and ac follow one word each, ab none (it begins the stream)
    ids = np.array([0, 1, 0, 2])
    levels = kneser_ney(ids, 3, 3)
    # single words after different words: a 1, b 1, c 1 of 3
    word = (0.25 + 3 * 0.75 / 3) / 3
    c_after_a = 0.25 + 0.75 * word  # of the bigrams after a only ac has a count left
    c_after_b_a = 0.25 + 0.75 * c_after_a
    assert math.isclose(math.exp(log_probabilities(levels, np.array([1, 0, 2]), 3)[1]), c_after_b_a)


def test_words_outside_the_vocabulary_count_as_unk():
    assert baselines(["a b"], ["a zebra"])["uniform"] == 4
    assert baselines(["a <unk>"], ["a zebra"])["uniform"] == 3
    assert baselines(["a <unk> c"], ["a zebra"]) == baselines(["a <unk> c"], ["a <unk>"])
    assert all(math.isfinite(value) for value in baselines(["a b"], ["zebra", "a", ""]).values())


def test_blank_lines_are_tokens_too():
    assert baselines(["", "a"], ["", ""])["unigram"] == pytest.approx(3 / 2)


@pytest.mark.parametrize(("train", "test"), [([], ["a b"]), (["a"], []), (["a"], [""])])
def test_too_little_text_is_refused(train, test):
    with pytest.raises(ValueError, match="baselines need"):
        baselines(train, test)


@settings(max_examples=60, deadline=None)
@given(
    size=st.integers(1, 6),
    order=st.integers(1, 4),
    ids=st.lists(st.integers(0, 5), min_size=1, max_size=40),
    context=st.lists(st.integers(0, 5), min_size=1, max_size=4),
)
def test_the_probabilities_of_all_words_sum_to_one(size, order, ids, context):
    ids, context = np.array(ids) % size, np.array(context) % size
    levels = kneser_ney(ids, size, order)
    last = [log_probabilities(levels, np.append(context, word), size)[-1] for word in range(size)]
    assert math.isclose(np.exp(last).sum(), 1, rel_tol=1e-9)


@pytest.mark.skipif("COURSE_DATA" not in os.environ, reason="needs the real corpora: set COURSE_DATA")
def test_penn_treebank():
    corpus = corpora.load("ptb")
    found = baselines(corpus.train, corpus.test)
    assert found["uniform"] == 10_000
    assert found["unigram"] == pytest.approx(639.3, abs=0.05)
    assert found["bigram"] == pytest.approx(186.5, abs=0.05)
    assert found["trigram"] == pytest.approx(154.3, abs=0.05)
