"""What the grader asks of `bpe_merges`: the most frequent pair again and again, ties by first appearance."""

from __future__ import annotations

import numpy as np

from autograder.oracle import Case, Equivalent, Misconception, Question

from ._pairs import words_of

MERGED = """
def merged(words, count):
    return [tuple(pair) for pair in bpe_merges(words, count)]
"""


def draw_words(size: int):
    """So many words with counts."""
    return lambda rng: {"words": words_of(rng, size)}


def draw_ties(rng: np.random.Generator) -> dict:
    """Words that all stand equally often, so that most choices are ties."""
    return {"many": [dict.fromkeys(words_of(rng, size), 3) for size in (3, 4, 6, 9)]}


def draw_letters(rng: np.random.Generator) -> dict:
    """Words of different letters in random order: the tie is decided by the first word, then by its first pair."""
    letters = [str(letter) for letter in rng.permutation(list("abcdefghijkl"))]
    return {"words": {"".join(letters[start : start + 4]): 1 for start in (8, 0, 4)}}


QUESTION = Question(
    cases=[
        Case(
            "the most frequent pair first, again and again",
            f"{MERGED}\nmerged(words, 14)",
            draw_words(16),
            weight=3,
            core=True,
        ),
        Case(
            "equally frequent pairs: the one that is met first",
            f"{MERGED}\n[merged(words, 7) for words in many]",
            draw_ties,
            weight=1.5,
            core=True,
        ),
        Case("pairs that all stand once", f"{MERGED}\nmerged(words, 5)", draw_letters),
        Case(
            "overlapping places count, each of them",
            f"{MERGED}\n[merged(words, n) for n in (1, 2, 3)]",
            lambda rng: {"words": {"xy": 4 + int(rng.integers(2)), "aaaa": 2, "aab": 1, "baaa": 1, "yx": 7}},
        ),
        Case(
            "no pair goes from one word into the next",
            f"{MERGED}\nmerged(words, 6)",
            lambda rng: {"words": {"ab": 2, "ca": 2, "bc": 3, "d": 5, "a": 4}},
        ),
        Case(
            "fewer merges where no pair is left",
            f"{MERGED}\n[merged(words, 500), merged({{'a': 3, 'b': 1}}, 4), merged({{}}, 2), merged(words, 0)]",
            draw_words(5),
            weight=1.5,
        ),
        Case(
            "the words stay as they were and a second call gives the same",
            f"{MERGED}\nfirst = merged(words, 6)\n(first, merged(words, 6), list(words.items()))",
            draw_words(7),
            weight=0.5,
        ),
    ],
    core="the most frequent pairs in their order, with ties by first appearance",
    builds_on=("bpe_split",),
    equivalent=[
        Equivalent(r"`continue` for `break`", "Nothing is left to count in the rounds to come either."),
        Equivalent(r"two lines exchanged", "The pair is noted before or after it is merged."),
        Equivalent(r"pairs\[pair\] = pairs\[pair\]", "The counter adds up either way."),
        Equivalent(r"\{word: word for word", "A string is a list of its characters as far as pairs go."),
    ],
    misconceptions=[
        Misconception(
            "each word counts once",
            "pairs[pair] += words[word]",
            "pairs[pair] += 1",
            "Each word counts once; a pair should count as often as its word stands in the text.",
        ),
        Misconception(
            "the last of equal ones",
            "max(pairs, key=pairs.get)",
            "max(reversed(pairs), key=pairs.get)",
            "Of equally frequent pairs the one met last is taken, it should be the one met first.",
        ),
        Misconception(
            "the first in the alphabet",
            "max(pairs, key=pairs.get)",
            "max(sorted(pairs), key=pairs.get)",
            "Of equally frequent pairs the first in the alphabet is taken, it should be the one met first.",
        ),
        Misconception(
            "the last in the alphabet",
            "max(pairs, key=pairs.get)",
            "max(pairs, key=lambda pair: (pairs[pair], pair))",
            "Of equally frequent pairs the last in the alphabet is taken, it should be the one met first.",
        ),
        Misconception(
            "never counted anew",
            "        pairs = Counter()\n        for word, symbols in splits.items():\n",
            "        pairs = Counter()\n        for word, symbols in {word: list(word) for word in words}.items():\n",
            "The pairs are counted over characters in every round: count them in the words as they are split now.",
        ),
        Misconception(
            "all pairs of one count",
            "    merges = []\n",
            "    merges = []\n"
            "    once = Counter()\n"
            "    for word in words:\n"
            "        for pair in itertools.pairwise(word):\n"
            "            once[pair] += words[word]\n"
            "    return sorted(once, key=once.get, reverse=True)[:count]\n",
            "The pairs are counted once and the most frequent ones returned: count anew after each merge.",
        ),
        Misconception(
            "overlapping places once",
            "            for pair in itertools.pairwise(symbols):\n",
            "            own = list(itertools.pairwise(symbols))\n"
            "            skipped = [place for place in range(1, len(own)) if own[place] == own[place - 1]]\n"
            "            for pair in [pair for place, pair in enumerate(own) if place not in skipped[::2]]:\n",
            "Overlapping places of a pair are counted as one: in 'aaa' the pair 'a' 'a' stands at two places.",
        ),
        Misconception(
            "once per word",
            "            for pair in itertools.pairwise(symbols):\n",
            "            for pair in dict.fromkeys(itertools.pairwise(symbols)):\n",
            "A pair counts once per word; it should count at each place of the word at which it stands.",
        ),
        Misconception(
            "across words",
            "        for word, symbols in splits.items():\n",
            "        ends = [s for s in splits.values() if s]\n"
            "        for one, other in zip(ends, ends[1:], strict=False):\n"
            "            pairs[one[-1], other[0]] += 1\n"
            "        for word, symbols in splits.items():\n",
            "Pairs are counted from the end of one word into the next: a pair stands inside a word.",
        ),
        Misconception(
            "goes on without a pair",
            "        if not pairs:\n            break\n",
            "",
            "Where no pair is left the list should end, with fewer merges than were asked for.",
        ),
        Misconception(
            "joined strings",
            "merges.append(best)",
            'merges.append("".join(best))',
            "The merged symbols were returned; the pairs of symbols were asked for.",
        ),
        Misconception(
            "pairs that stand once are left out",
            "        if not pairs:\n",
            "        if not pairs or max(pairs.values()) < 2:\n",
            "The merges stop before a pair that stands only once: they should go on as long as there is a pair.",
        ),
    ],
)
