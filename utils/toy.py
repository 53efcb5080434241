"""A small synthetic English whose exact entropy is known.

A sentence of it asks for what a recurrent network has and an n-gram lacks. Verbs agree with the number of their
subject and suit its class (people sing, animals hide, things fall), across prepositional phrases and relative clauses.
A quotation closes with the mark that opened it. A sentence that starts with 'does' ends in a question mark.
Words of one kind have Zipf's frequencies.

The language is a probabilistic context-free grammar, so the probability of each sentence can be computed exactly
(`log_probability`), and with it the perplexity of a perfect model (`exact_perplexity`). It is unambiguous: a sentence
has one derivation, so the entropy of the derivations is that of the sentences (`entropy_rate`).
"""

from __future__ import annotations

import itertools
import math
import re
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np

# What is rewritten has a capital; everything else is a word. Each rule has its probability. Brackets hold features:
# c and d stand for a class, n and m for a number. A variable has one value throughout a rule; one that the left side
# does not have is drawn by the probabilities in VARIABLES.
NUMBERS = {"one": 0.6, "many": 0.4}
CLASSES = {"person": 0.5, "animal": 0.25, "thing": 0.25}
VARIABLES = {"c": CLASSES, "d": CLASSES, "n": NUMBERS, "m": NUMBERS}
RULES = """
0.70  Line -> Statement .
0.12  Line -> Question ?
0.11  Line -> Report(double) .
0.07  Line -> Report(single) .

0.90  Statement -> Clause
0.10  Statement -> Clause and Statement
1.00  Clause -> Phrase(c,n) Predicate(c,n)
0.60  Question -> does Phrase(c,one) Predicate(c,many)
0.40  Question -> do Phrase(c,many) Predicate(c,many)

1.00  Report(double) -> Core(person,n) Saying(n) , " Speech(double) "
1.00  Report(single) -> Core(person,n) Saying(n) , ' Speech(single) '
0.75  Speech(double) -> Statement
0.13  Speech(double) -> Question ?
0.12  Speech(double) -> Report(single)
0.75  Speech(single) -> Statement
0.13  Speech(single) -> Question ?
0.12  Speech(single) -> Report(double)

0.66  Phrase(c,n) -> Core(c,n)
0.19  Phrase(c,n) -> Core(c,n) Preposition Phrase(d,m)
0.15  Phrase(c,n) -> Core(c,n) that Relative(c,n)
0.75  Core(c,n) -> Determiner(n) Noun(c,n)
0.25  Core(c,n) -> Determiner(n) Adjective Noun(c,n)

0.60  Relative(person,n) -> Predicate(person,n)
0.20  Relative(person,n) -> Phrase(animal,m) Transitive(animal,person,m)
0.20  Relative(person,n) -> Phrase(thing,m) Transitive(thing,person,m)
0.60  Relative(animal,n) -> Predicate(animal,n)
0.25  Relative(animal,n) -> Phrase(person,m) Transitive(person,animal,m)
0.15  Relative(animal,n) -> Phrase(animal,m) Transitive(animal,animal,m)
0.60  Relative(thing,n) -> Predicate(thing,n)
0.40  Relative(thing,n) -> Phrase(person,m) Transitive(person,thing,m)

0.80  Predicate(c,n) -> Action(c,n)
0.20  Predicate(c,n) -> Adverb Action(c,n)
0.55  Action(c,n) -> Intransitive(c,n)
0.45  Action(c,n) -> Doing(c,n)
0.40  Doing(person,n) -> Transitive(person,animal,n) Phrase(animal,m)
0.60  Doing(person,n) -> Transitive(person,thing,n) Phrase(thing,m)
0.50  Doing(animal,n) -> Transitive(animal,person,n) Phrase(person,m)
0.50  Doing(animal,n) -> Transitive(animal,animal,n) Phrase(animal,m)
1.00  Doing(thing,n) -> Transitive(thing,person,n) Phrase(person,m)
"""
# Words of one kind, the most frequent first; a slash parts the form for one from the form for many.
LEXICON = """
Noun(person): child/children doctor/doctors farmer/farmers teacher/teachers friend/friends woman/women sailor/sailors
Noun(animal): dog/dogs cat/cats horse/horses bird/birds mouse/mice fox/foxes goat/goats
Noun(thing): book/books lamp/lamps letter/letters clock/clocks picture/pictures bottle/bottles box/boxes
Intransitive(person): sings/sing waits/wait laughs/laugh reads/read
Intransitive(animal): sleeps/sleep hides/hide jumps/jump eats/eat
Intransitive(thing): falls/fall breaks/break shines/shine vanishes/vanish
Transitive(person,animal): feeds/feed calls/call washes/wash
Transitive(person,thing): buys/buy paints/paint carries/carry
Transitive(animal,person): follows/follow licks/lick greets/greet
Transitive(animal,animal): chases/chase fears/fear
Transitive(thing,person): pleases/please surprises/surprise helps/help
Saying: says/say thinks/think writes/write
Determiner(one): the a every
Determiner(many): the some two
Adjective: grey small young red strange quiet big
Adverb: often never always rarely
Preposition: near behind with beside under
"""


@dataclass(frozen=True, eq=False)
class Grammar:
    """A probabilistic context-free grammar.

    rules: symbol -> its rules, each a probability and the symbols it is rewritten to.
    lexicon: symbol -> its words, each with its probability.
    A symbol in neither is itself a word. What `start` is rewritten to is a line, words parted by spaces.
    Raises ValueError for probabilities that do not sum to 1, an empty rule, or one that rewrites a symbol to itself at
    the left end, directly or by way of others.
    """

    start: str
    rules: Mapping[str, Sequence[tuple[float, tuple[str, ...]]]]
    lexicon: Mapping[str, Sequence[tuple[float, str]]]

    def __post_init__(self) -> None:
        for symbol, choices in self.choices.items():
            total = math.fsum(probability for probability, _ in choices)
            if abs(total - 1) > 1e-9 or min(probability for probability, _ in choices) <= 0:
                raise ValueError(f"the probabilities of {symbol} must be positive and sum to 1, not {total:g}")
            if not all(right for _, right in choices):
                raise ValueError(f"{symbol} has an empty rule")
        for symbol in self.choices:
            reached: set[str] = set()
            frontier = {symbol}
            while frontier:
                frontier = {r[0] for s in frontier for _, r in self.choices[s] if r[0] in self.choices} - reached
                reached |= frontier
            if symbol in reached:
                raise ValueError(f"{symbol} begins with itself: a left-recursive rule cannot be parsed here")

    @cached_property
    def choices(self) -> dict[str, list[tuple[float, tuple[str, ...]]]]:
        """Rules and lexicon in one table: symbol -> its probabilities and right sides."""
        table = {symbol: list(entries) for symbol, entries in self.rules.items()}
        for symbol, words in self.lexicon.items():
            table[symbol] = [(probability, (word,)) for probability, word in words]
        return table

    @cached_property
    def words(self) -> list[str]:
        """Every word of the language, sorted."""
        return sorted({s for rules in self.choices.values() for _, right in rules for s in right} - set(self.choices))

    @cached_property
    def first_words(self) -> dict[str, dict[str, float]]:
        """Symbol -> the probability of each word that it can begin with."""
        table: dict[str, dict[str, float]] = {}

        def first(symbol: str) -> dict[str, float]:
            if symbol not in self.choices:
                return {symbol: 1.0}
            if symbol not in table:
                table[symbol] = {}
                for probability, right in self.choices[symbol]:
                    for word, share in first(right[0]).items():
                        table[symbol][word] = table[symbol].get(word, 0.0) + probability * share
            return table[symbol]

        for symbol in self.choices:
            first(symbol)
        return table

    @cached_property
    def rules_by_word(self) -> dict[str, dict[str, list[tuple[float, tuple[str, ...]]]]]:
        """Symbol -> word -> the rules that can begin with that word, each with its log probability."""
        table: dict[str, dict[str, list[tuple[float, tuple[str, ...]]]]] = {symbol: {} for symbol in self.choices}
        for symbol, choices in self.choices.items():
            for probability, right in choices:
                for word in self.first_words.get(right[0], (right[0],)):
                    table[symbol].setdefault(word, []).append((math.log(probability), right))
        return table


def read_grammar(start: str, rules: str, lexicon: str, variables: Mapping[str, Mapping[str, float]]) -> Grammar:
    """A grammar from tables in the form of RULES, LEXICON and VARIABLES.

    Words of one kind get Zipf's frequencies, in proportion to 1, 1/2, 1/3 and so on.
    """
    table: dict[str, list[tuple[float, tuple[str, ...]]]] = {}
    for line in filter(str.strip, rules.splitlines()):
        head, right = line.split(" -> ")
        probability, left = head.split()
        given = _variables(left, variables)
        drawn = [name for name in _variables(right, variables) if name not in given]
        for outer in itertools.product(*(variables[name] for name in given)):
            for inner in itertools.product(*(variables[name] for name in drawn)):
                values = dict(zip(given + drawn, outer + inner, strict=True))
                share = math.prod(variables[name][values[name]] for name in drawn)
                symbols = tuple(_fill(symbol, values) for symbol in right.split())
                table.setdefault(_fill(left, values), []).append((float(probability) * share, symbols))
    words: dict[str, list[str]] = {}
    for line in filter(str.strip, lexicon.splitlines()):
        kind, entries = line.split(": ")
        forms = [entry.split("/") for entry in entries.split()]
        if len(forms[0]) == 1:
            words[kind] = [word for (word,) in forms]
        else:
            for form, number in enumerate(NUMBERS):
                symbol = kind.replace(")", f",{number})") if kind.endswith(")") else f"{kind}({number})"
                words[symbol] = [entry[form] for entry in forms]
    return Grammar(start, table, {symbol: _zipf(entries) for symbol, entries in words.items()})


def _variables(symbols: str, variables: Mapping) -> list[str]:
    names = [name for features in re.findall(r"\((.*?)\)", symbols) for name in features.split(",")]
    return list(dict.fromkeys(name for name in names if name in variables))


def _fill(symbol: str, values: Mapping[str, str]) -> str:
    if not symbol.endswith(")"):
        return symbol
    kind, features = symbol[:-1].split("(")
    return f"{kind}({','.join(values.get(name, name) for name in features.split(','))})"


def _zipf(words: Sequence[str]) -> list[tuple[float, str]]:
    total = math.fsum(1 / rank for rank in range(1, len(words) + 1))
    return [(1 / rank / total, word) for rank, word in enumerate(words, start=1)]


ENGLISH = read_grammar("Line", RULES, LEXICON, VARIABLES)


def sentences(count: int, rng: np.random.Generator, grammar: Grammar = ENGLISH) -> list[str]:
    """`count` sentences drawn from the grammar, one string each, words parted by spaces."""
    sums = {s: list(itertools.accumulate(p for p, _ in choices)) for s, choices in grammar.choices.items()}
    lines = []
    for _ in range(count):
        line, stack = [], [grammar.start]
        while stack:
            symbol = stack.pop()
            if symbol not in sums:
                line.append(symbol)
                continue
            # the last sum may fall short of 1 by a rounding error, hence the upper end
            chosen = min(bisect_right(sums[symbol], rng.random()), len(sums[symbol]) - 1)
            stack.extend(reversed(grammar.choices[symbol][chosen][1]))
        lines.append(" ".join(line))
    return lines


def log_probability(line: str, grammar: Grammar = ENGLISH) -> float:
    """Logarithm (nats) of the probability that the grammar draws this line; -inf outside the language.

    The inside probability, summed over all derivations where there are several.
    """
    return _log_probability(line, grammar)


@lru_cache(maxsize=20_000)
def _log_probability(line: str, grammar: Grammar) -> float:
    words = line.split()
    table: list[dict[str, dict[int, float]]] = [{} for _ in words]
    # from the right, so that the recursion of `_spans` is never deeper than the grammar's left edges
    for start in range(len(words) - 1, 0, -1):
        for symbol in grammar.rules_by_word:
            _spans(symbol, start, words, table, grammar)
    return _spans(grammar.start, 0, words, table, grammar).get(len(words), -math.inf) if words else -math.inf


def _spans(symbol: str, start: int, words: list[str], table: list, grammar: Grammar) -> dict[int, float]:
    """Where what a symbol covers from `start` on may end -> log of the inside probability of that span."""
    if start == len(words):
        return {}
    if symbol not in grammar.rules_by_word:
        return {start + 1: 0.0} if words[start] == symbol else {}
    known = table[start]
    if symbol not in known:
        spans: dict[int, float] = {}
        for log_p, right in grammar.rules_by_word[symbol].get(words[start], ()):
            partial = {start: log_p}
            for part in right:
                partial = _extended(partial, part, words, table, grammar)
            for end, value in partial.items():
                spans[end] = float(np.logaddexp(spans[end], value)) if end in spans else value
        known[symbol] = spans
    return known[symbol]


def _extended(partial: dict[int, float], part: str, words: list, table: list, grammar: Grammar) -> dict[int, float]:
    longer: dict[int, float] = {}
    for middle, value in partial.items():
        for end, more in _spans(part, middle, words, table, grammar).items():
            total = value + more
            longer[end] = float(np.logaddexp(longer[end], total)) if end in longer else total
    return longer


def entropy_rate(grammar: Grammar = ENGLISH) -> float:
    """Nats per token of the language, each line's end counted as a token; exact for an unambiguous grammar.

    With M[a, b] the expected number of b in one rewriting of a, expected entropies and lengths solve
    H = h + M H and L = l + M L, where h is the entropy of the choice of a rule and l the words it brings.
    The rate is H[start] / (L[start] + 1).
    """
    symbols = list(grammar.choices)
    index = {symbol: i for i, symbol in enumerate(symbols)}
    expected, choice, length = np.eye(len(symbols)), np.zeros(len(symbols)), np.zeros(len(symbols))
    for symbol, i in index.items():
        for probability, right in grammar.choices[symbol]:
            choice[i] -= probability * math.log(probability)
            for part in right:
                if part in index:
                    expected[i, index[part]] -= probability
                else:
                    length[i] += probability
    entropy, length = np.linalg.solve(expected, np.stack([choice, length], axis=1))[index[grammar.start]]
    return float(entropy / (length + 1))


def exact_nll(lines: Sequence[str], grammar: Grammar = ENGLISH) -> float:
    """Total nats of a text under the grammar itself, by the course's protocol.

    The lines form one stream with `<eos>` after each, and every token but the very first is predicted. Infinite when
    a line is outside the language. Raises ValueError for a text without lines.
    """
    if not lines:
        raise ValueError("a text needs at least one line")
    total = -math.fsum(log_probability(line, grammar) for line in lines)
    return total if math.isinf(total) else total + math.log(grammar.first_words[grammar.start][lines[0].split()[0]])


def exact_perplexity(lines: Sequence[str], grammar: Grammar = ENGLISH) -> float:
    """Perplexity of a text under the grammar itself: no model can expect a lower one on text of this language.

    Raises ValueError for fewer than two tokens, ends of lines included.
    """
    tokens = sum(len(line.split()) + 1 for line in lines)
    if tokens < 2:
        raise ValueError(f"a perplexity needs at least two tokens, got {tokens}")
    return math.exp(exact_nll(lines, grammar) / (tokens - 1))
