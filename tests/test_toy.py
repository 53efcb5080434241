"""The toy language: exact probabilities against enumeration, and the agreement it is made for."""

import itertools
import math
from collections import Counter
from functools import cache

import numpy as np
import pytest

from utils import corpora, toy
from utils.baselines import baselines

FINITE = toy.Grammar(
    "S",
    rules={
        "S": [(0.5, ("N", "V")), (0.3, ("N", "V", "N")), (0.2, ("well", ",", "T"))],
        "T": [(0.9, ("V",)), (0.1, ("V", "N"))],
    },
    lexicon={"N": [(0.7, "a"), (0.3, "b")], "V": [(0.25, "x"), (0.75, "y")]},
)
# "a a a" and "b a a" have two derivations each
AMBIGUOUS = toy.Grammar(
    "S",
    rules={"S": [(0.4, ("P", "Q")), (0.4, ("Q", "P")), (0.2, ("b", "a"))], "P": [(1.0, ("Q", "a"))]},
    lexicon={"Q": [(0.6, "a"), (0.4, "b")]},
)


def expand(grammar, symbols):
    """Every string that `symbols` can become, with its probability, one entry per derivation."""
    if not symbols:
        yield 1.0, ()
        return
    for probability, right in grammar.choices.get(symbols[0], [(1.0, None)]):
        heads = [(1.0, symbols[:1])] if right is None else expand(grammar, right)
        for (p, head), (q, tail) in itertools.product(heads, list(expand(grammar, symbols[1:]))):
            yield probability * p * q, head + tail


def language(grammar):
    """String -> probability of a finite grammar."""
    table = Counter()
    for probability, words in expand(grammar, (grammar.start,)):
        table[" ".join(words)] += probability
    return table


@pytest.mark.parametrize("grammar", [FINITE, AMBIGUOUS])
def test_probabilities_are_those_of_the_enumerated_language(grammar):
    table = language(grammar)
    assert math.isclose(sum(table.values()), 1)
    for line, probability in table.items():
        assert math.isclose(toy.log_probability(line, grammar), math.log(probability), rel_tol=1e-12)


def test_the_entropy_rate_is_that_of_the_enumerated_language():
    table = language(FINITE)
    entropy = -sum(p * math.log(p) for p in table.values())
    tokens = sum(p * (len(line.split()) + 1) for line, p in table.items())
    assert math.isclose(toy.entropy_rate(FINITE), entropy / tokens, rel_tol=1e-12)


def test_the_entropy_rate_of_a_recursive_grammar():
    # n times "a" before "b" with probability 0.75^n 0.25: three of them on average, and one choice per word
    grammar = toy.Grammar("S", rules={"S": [(0.75, ("a", "S")), (0.25, ("b",))]}, lexicon={})
    choice = -0.75 * math.log(0.75) - 0.25 * math.log(0.25)
    assert math.isclose(toy.entropy_rate(grammar), 4 * choice / 5)


def test_exact_nll_predicts_every_token_of_the_stream_but_the_first():
    table = language(FINITE)

    def share(prefix):
        """The probability that a line, with its end, begins with these tokens."""
        return sum(p for line, p in table.items() if (*line.split(), "<eos>")[: len(prefix)] == prefix)

    lines = ["a x b", "well , y", "b y"]
    nll = 0.0
    for number, line in enumerate(lines):
        tokens = (*line.split(), "<eos>")
        for length in range(1 if number == 0 else 0, len(tokens)):
            nll -= math.log(share(tokens[: length + 1]) / share(tokens[:length]))
    assert math.isclose(toy.exact_nll(lines, FINITE), nll, rel_tol=1e-12)
    assert math.isclose(toy.exact_perplexity(lines, FINITE), math.exp(nll / 10), rel_tol=1e-12)


@pytest.mark.parametrize("lines", [["", "a x"], ["a x", ""], ["a"], ["a x x"], ["a z"]])
def test_a_text_outside_the_language_is_infinitely_surprising(lines):
    assert toy.exact_nll(lines, FINITE) == math.inf
    assert toy.exact_perplexity(lines, FINITE) == math.inf


def test_a_text_needs_a_line_and_a_perplexity_two_tokens():
    with pytest.raises(ValueError, match="one line"):
        toy.exact_nll([], FINITE)
    with pytest.raises(ValueError, match="two tokens"):
        toy.exact_perplexity([""], FINITE)


@pytest.mark.parametrize(
    ("rules", "says"),
    [
        ({"S": [(0.5, ("a",)), (0.4, ("b",))]}, "sum to 1"),
        ({"S": [(1.2, ("a",)), (-0.2, ("b",))]}, "positive"),
        ({"S": [(1.0, ())]}, "empty"),
        ({"S": [(0.5, ("T", "a")), (0.5, ("b",))], "T": [(0.5, ("S",)), (0.5, ("c",))]}, "begins with itself"),
    ],
)
def test_a_grammar_that_cannot_be_used_is_refused(rules, says):
    with pytest.raises(ValueError, match=says):
        toy.Grammar("S", rules=rules, lexicon={})


@pytest.fixture(scope="module")
def sample():
    return toy.sentences(3000, np.random.default_rng(5))


def test_the_empirical_entropy_agrees_with_the_exact_one(sample):
    nll = -np.array([toy.log_probability(line) for line in sample])
    tokens = np.array([len(line.split()) + 1 for line in sample])
    rate = toy.entropy_rate()
    error = (nll - rate * tokens).std() / np.sqrt(len(sample)) / tokens.mean()
    assert abs(nll.sum() / tokens.sum() - rate) < 4 * error
    assert error < 0.02 * rate


def test_no_sentence_has_two_derivations(sample):
    for line in sample[:400]:
        words = tuple(line.split())

        @cache
        def ends(symbol, start, words=words):
            """How many derivations of `symbol` from `start` end where."""
            if symbol not in toy.ENGLISH.choices:
                return Counter({start + 1: 1} if words[start : start + 1] == (symbol,) else {})
            found = Counter()
            for _, right in toy.ENGLISH.choices[symbol]:
                partial = Counter({start: 1})
                for part in right:
                    longer = Counter()
                    for middle, count in partial.items():
                        for end, more in ends(part, middle).items():
                            longer[end] += count * more
                    partial = longer
                found.update(partial)
            return found

        assert ends(toy.ENGLISH.start, 0)[len(words)] == 1, line


def test_quotes_close_with_the_mark_that_opened_them(sample):
    nested = 0
    for line in sample:
        open_marks = []
        for word in line.split():
            if word in "\"'":
                if open_marks and open_marks[-1] == word:
                    open_marks.pop()
                else:
                    open_marks.append(word)
                    nested += len(open_marks) > 1
        assert not open_marks, line
    assert nested > 10
    assert toy.log_probability("the child says , \" the dog sleeps ' .") == -math.inf
    assert toy.log_probability('the child says , " the dog sleeps " .') > -math.inf


def pairs(*kinds):
    """Both forms of each word of some kinds of the lexicon."""
    lines = [line.split(": ")[1] for line in toy.LEXICON.splitlines() if line.startswith(kinds)]
    return [tuple(entry.split("/")) for line in lines for entry in line.split()]


def test_a_verb_in_the_other_number_is_outside_the_language(sample):
    other = {a: b for one, many in pairs("Intransitive", "Transitive", "Saying") for a, b in ((one, many), (many, one))}
    swapped = 0
    for line in sample[:200]:
        words = line.split()
        for place, word in enumerate(words):
            if word in other:
                wrong = " ".join([*words[:place], other[word], *words[place + 1 :]])
                assert toy.log_probability(wrong) == -math.inf, wrong
                swapped += 1
    assert swapped > 200


def test_agreement_and_selection_reach_over_a_distance():
    for right, wrong in [
        ("the dog near the books sleeps .", "the dog near the books sleep ."),
        ("the dogs near the book sleep .", "the dogs near the book sleeps ."),
        ("the dog near the books sleeps .", "the dog near the books falls ."),
        ("the lamps that the child paints often fall .", "the lamps that the child paints often sing ."),
        ("does the child with the dogs sing ?", "does the child with the dogs sings ?"),
        ("do the goats sleep ?", "do the goats sleep ."),
    ]:
        assert toy.log_probability(right) > -math.inf
        assert toy.log_probability(wrong) == -math.inf


def test_no_form_of_a_noun_or_verb_stands_for_both_numbers():
    forms = [form for pair in pairs("Noun", "Intransitive", "Transitive", "Saying") for form in pair]
    assert len(forms) == len(set(forms))
    assert 100 <= len(toy.ENGLISH.words) <= 140


def test_first_words_are_distributions(sample):
    first = toy.ENGLISH.first_words
    assert all(math.isclose(sum(first[symbol].values()), 1) for symbol in toy.ENGLISH.choices)
    share = np.mean([line.startswith("the ") for line in sample])
    assert abs(share - first["Line"]["the"]) < 4 * math.sqrt(share * (1 - share) / len(sample))


def test_a_very_long_line_is_parsed_without_running_out_of_stack():
    chain = "the dog " + "near the dog " * 300 + "sleeps ."
    assert -math.inf < toy.log_probability(chain) < -300
    assert toy.log_probability(chain[:-2]) == -math.inf


def test_the_same_generator_draws_the_same_sentences():
    assert toy.sentences(20, np.random.default_rng(1)) == toy.sentences(20, np.random.default_rng(1))
    assert toy.sentences(0, np.random.default_rng(1)) == []


def test_the_language_is_harder_for_n_grams_than_for_the_truth():
    corpus = corpora.load("toy")
    baseline, exact = baselines(corpus.train, corpus.test), toy.exact_perplexity(corpus.test)
    assert 1.15 * exact < baseline["trigram"] < baseline["bigram"] < baseline["unigram"] / 3 < baseline["uniform"]
    assert abs(exact / math.exp(toy.entropy_rate()) - 1) < 0.05
