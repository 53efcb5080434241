"""What the grader asks of `characters`: lines of words as lines of symbols."""

from autograder.oracle import Case, Misconception, Question

from ._draws import WORDS, lines_of

QUESTION = Question(
    cases=[
        Case(
            "words are joined by _, characters stand one space apart",
            "list(characters(lines))",
            lambda rng: {"lines": lines_of(rng, 12)},
            weight=2,
            core=True,
        ),
        Case(
            "white space at both ends of a line goes",
            "list(characters(lines))",
            lambda rng: {"lines": [f" {a} " for a in lines_of(rng, 3)] + [f"\t {a}\n" for a in lines_of(rng, 2)]},
            weight=1.5,
        ),
        Case(
            "<unk> is spelled out",
            "list(characters(lines))",
            lambda rng: {"lines": lines_of(rng, 8, ["<unk>", "<unk>", *WORDS[:3]])},
            weight=1.5,
        ),
        Case(
            "an empty line stays an empty line",
            "list(characters(lines))",
            lambda rng: {"lines": ["", *lines_of(rng, 2), "", " ", *lines_of(rng, 1)]},
        ),
        Case(
            "no lines, and one word of one letter",
            "[list(characters([])), list(characters(lines))]",
            lambda rng: {"lines": [str(rng.choice(list("abcdefg")))]},
            weight=0.5,
        ),
        Case(
            "the lines stay as they were and a second call gives the same",
            "first = list(characters(lines))\n(first, list(characters(lines)), lines)",
            lambda rng: {"lines": [f" {a} " for a in lines_of(rng, 4)]},
            weight=0.5,
        ),
    ],
    core="words as characters, joined by _",
    misconceptions=[
        Misconception(
            "spaces lost",
            '.replace(" ", "_")',
            '.replace(" ", "")',
            "The spaces between words are lost: each of them should become the symbol _.",
        ),
        Misconception(
            "ends marked too",
            "line.strip().replace",
            "line.replace",
            "White space at the ends of a line became _ or stayed; it should go before spaces are replaced.",
        ),
        Misconception(
            "<unk> as one symbol",
            '[" ".join(line.strip().replace(" ", "_")) for line in lines]',
            '[" ".join(line.strip().replace(" ", "_")).replace("< u n k >", "<unk>") for line in lines]',
            "<unk> is kept as one symbol, in the character form it is spelled out.",
        ),
        Misconception(
            "empty lines left out",
            "for line in lines]",
            "for line in lines if line.strip()]",
            "Empty lines were left out, but each of them has an end mark to predict.",
        ),
        Misconception(
            "small letters",
            "line.strip().replace",
            "line.strip().lower().replace",
            "Capitals became small letters; a character should stay as it is.",
        ),
        Misconception(
            "end mark written here",
            '.replace(" ", "_")) for',
            '.replace(" ", "_")) + " <eos>" for',
            "An <eos> stands at the end of each line, but `encode` adds it already.",
        ),
        Misconception(
            "no spaces between characters",
            '" ".join(line.strip().replace(" ", "_"))',
            'line.strip().replace(" ", "_")',
            "The characters stand without spaces between them, so `encode` would take a whole line for one symbol.",
        ),
    ],
)
