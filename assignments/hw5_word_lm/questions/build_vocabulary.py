"""What the grader asks of `build_vocabulary`: which words get an id, and in which order."""

from autograder.oracle import Case, Misconception, Question
from autograder.oracle.programs import refuses

from ._draws import WORDS, shuffled, text

QUESTION = Question(
    cases=[
        Case(
            "words by falling count, the special entries first",
            "build_vocabulary(lines, 100)",
            lambda rng: {"lines": text(rng, 60, [*shuffled(rng, WORDS)[:11], "Owl", "N", "n", "owl"])},
            weight=2,
            core=True,
        ),
        Case(
            "words of equal count keep the order in which they first appear",
            "build_vocabulary(lines, 100)",
            lambda rng: {"lines": [" ".join(shuffled(rng, WORDS)[:11]), " ".join(shuffled(rng, WORDS)[:9])]},
            weight=1.5,
        ),
        Case(
            "max_size counts the special entries",
            "[build_vocabulary(lines, size) for size in (7, 3, 2)]",
            lambda rng: {"lines": text(rng, 40, shuffled(rng, WORDS))},
            weight=1.5,
        ),
        Case(
            "<unk> and <eos> in the text are the special entries",
            "build_vocabulary(lines, 9)",
            lambda rng: {"lines": text(rng, 50, ["<unk>", "<eos>", *shuffled(rng, WORDS)[:10]])},
            weight=1.5,
        ),
        Case(
            "any white space separates words, and lines may be empty",
            "build_vocabulary(lines, 50)",
            lambda rng: {"lines": ["", *(f"\t{'   '.join(shuffled(rng, WORDS)[:5])} \t" for _ in range(3)), "  "]},
            weight=0.5,
        ),
        Case(
            "a max_size under 2 is refused", refuses("build_vocabulary(['owl'], value)", "(1, 2, 0, -3, 3)"), weight=0.5
        ),
        Case(
            "the lines stay as they were and a second call gives the same",
            "first = build_vocabulary(lines, 8)\n(first, build_vocabulary(lines, 8), lines)",
            lambda rng: {"lines": text(rng, 30, shuffled(rng, WORDS))},
            weight=0.5,
        ),
    ],
    core="ids by falling count after the special entries",
    misconceptions=[
        Misconception(
            "ties by alphabet",
            "key=counts.get, reverse=True)",
            "key=lambda word: (-counts[word], word))",
            "Words of equal count stand in alphabetical order; they should stand in the order in which they "
            "first appear.",
        ),
        Misconception(
            "special entries on top of max_size",
            "ranked[: max_size - 2]",
            "ranked[:max_size]",
            "max_size words were taken and the special entries came on top, but <eos> and <unk> count within max_size.",
        ),
        Misconception(
            "all in lower case",
            "for word in line.split() if",
            "for word in line.lower().split() if",
            "Upper case became lower case, but a word and its capitalised form are two words.",
        ),
        Misconception(
            "rare words first",
            ", reverse=True",
            "",
            "The words stand by rising count; the most frequent ones should come first.",
        ),
        Misconception(
            "special words counted again",
            " if word not in special",
            "",
            "A literal <unk> or <eos> in the text got an entry of its own; it is the special entry that is there "
            "already.",
        ),
        Misconception(
            "special entries swapped",
            '["<eos>", "<unk>"]',
            '["<unk>", "<eos>"]',
            "<unk> got the id 0 and <eos> 1; it should be the other way round.",
        ),
        Misconception(
            "max_size not checked",
            "if max_size < 2:",
            "if max_size < 0:",
            "A max_size without room for the two special entries should be refused with a ValueError.",
        ),
        Misconception(
            "words that occur once left out",
            "ranked = sorted(counts, key",
            "ranked = sorted((word for word in counts if counts[word] > 1), key",
            "Words that occur only once are left out, but max_size alone limits the vocabulary.",
        ),
    ],
)
