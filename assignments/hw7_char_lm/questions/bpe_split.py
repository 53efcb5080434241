"""What the grader asks of `bpe_split`: the symbols of a word, by merges in their order."""

from __future__ import annotations

import numpy as np

from autograder.oracle import Case, Equivalent, Misconception, Question

from ._pairs import learned, words_of

SPLIT = "[list(bpe_split(word, merges)) for word in words]"


def draw_learned(rng: np.random.Generator) -> dict:
    """Merges that were learned from one set of words, and words of another, so that some are unseen."""
    return {"merges": learned(words_of(rng, 12), 9), "words": list(words_of(rng, 9))}


def draw_order(rng: np.random.Generator) -> dict:
    """Merges whose order decides, and words in which they compete for a letter."""
    a, b, c, d = (str(letter) for letter in rng.permutation(list("abcdefgh"))[:4])
    merges = [(a, b), (b, c), (a + b, c), (c, d), (b + c, d)]
    words = [b + c + a + b + c + d, a + b + c + d, b + c + d + b + c, a + b + b + c, d + c + b + a]
    orders = [merges, [merges[1], merges[0], merges[4], merges[3]], [merges[3], merges[1], merges[0]]]
    return {"orders": orders, "words": words}


def draw_repeated(rng: np.random.Generator) -> dict:
    """One letter several times in a row, alone and between others."""
    a, b = (str(letter) for letter in rng.permutation(list("abcdefgh"))[:2])
    words = [a * n for n in range(1, 8)] + [b + a * 3 + b + a * 2, a * 5 + b, b + a * 3]
    return {"merges": [(a, a), (a + a, a + a), (a, b)], "words": words}


QUESTION = Question(
    cases=[
        Case("the symbols of words, seen and unseen", SPLIT, draw_learned, weight=3, core=True),
        Case(
            "merges are applied in the order of the list",
            "[[list(bpe_split(word, merges)) for word in words] for merges in orders]",
            draw_order,
            weight=2,
            core=True,
        ),
        Case("from left to right, no symbol twice", SPLIT, draw_repeated, weight=1.5),
        Case(
            "a merge joins the two symbols of its pair, not letters that read the same",
            SPLIT,
            lambda rng: {"merges": [("ca", "b"), ("b", "c"), ("a", "bc")], "words": ["cab", "abcab", "cabc", "bcab"]},
        ),
        Case(
            "a word of one character, and no merges",
            f"[{SPLIT}, [list(bpe_split(word, [])) for word in words]]",
            lambda rng: {**draw_learned(rng), "words": [str(rng.choice(list("abcde"))), "a.b*", "né"]},
            weight=0.5,
        ),
        Case(
            "the merges stay as they were and a second call gives the same",
            f"first = {SPLIT}\n(first, {SPLIT}, [tuple(pair) for pair in merges])",
            draw_learned,
            weight=0.5,
        ),
    ],
    core="the symbols of a word, with the merges applied in the order in which they were learned",
    equivalent=[
        Equivalent(
            r"range\(len\(word\)\)", "A word has no fewer characters than symbols, and past the end nothing is merged."
        ),
    ],
    misconceptions=[
        Misconception(
            "only the first place",
            "= [first + second]\n",
            "= [first + second]\n                break\n",
            "Only the first place of a word at which a pair stands is merged; every place should be.",
        ),
        Misconception(
            "the longest first",
            "for first, second in merges:",
            'for first, second in sorted(merges, key=lambda pair: -len("".join(pair))):',
            "The merges are applied by the length of their symbols, longest first: they should be in the list's order.",
        ),
        Misconception(
            "from last to first",
            "in merges:",
            "in reversed(merges):",
            "The merges are applied from last to first: they should be in the order in which they were learned.",
        ),
        Misconception(
            "greedy by the symbols known",
            "    symbols = list(word)\n",
            "    known, symbols = {*word, *(a + b for a, b in merges)}, []\n"
            "    while word:\n"
            "        size = max(n for n in range(1, len(word) + 1) if word[:n] in known)\n"
            "        symbols.append(word[:size])\n"
            "        word = word[size:]\n"
            "    return symbols\n",
            "The longest known symbol is taken at each place: apply the merges one after the other instead.",
        ),
        Misconception(
            "from right to left",
            "in range(len(symbols)):",
            "in reversed(range(len(symbols))):",
            "Each merge goes through the word from right to left; it should go from left to right.",
        ),
        Misconception(
            "merged with what was just made",
            "            if symbols[place : place + 2] == [first, second]:\n"
            "                symbols[place : place + 2] = [first + second]\n",
            "            while symbols[place : place + 1] and symbols[place].endswith(first) and "
            "symbols[place + 1 : place + 2] == [second]:\n"
            "                symbols[place : place + 2] = [symbols[place] + second]\n",
            "A symbol that ends in the first one of the pair is merged too: the whole symbol has to be equal.",
        ),
        Misconception(
            "letters that read the same",
            "        for place in range",
            '        symbols = "\\0".join(symbols)\n'
            "        for cut in range(1, len(first)):\n"
            '            apart = first[:cut] + "\\0" + first[cut:] + "\\0" + second\n'
            "            symbols = symbols.replace(apart, first + second)\n"
            '        symbols = symbols.split("\\0")\n'
            "        for place in range",
            "Letters are joined that read like the pair but are not its two symbols.",
        ),
    ],
)
