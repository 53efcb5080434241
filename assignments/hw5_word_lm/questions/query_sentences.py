"""What the grader asks of `query_sentences`: a dialogue: what it prints, refuses and asks again."""

from autograder.oracle import Case, Equivalent, Misconception, Question

from ._dialogue import (
    ASKS_ON,
    DIALOGUE,
    IN_ALL,
    NO_END,
    NOT_ONE_LINE,
    NOT_REFUSED,
    ONLY_NEW,
    TOO_EARLY,
    ZERO,
    draw_dialogue,
    judge_chance,
    judge_end,
    judge_lines,
    judge_modes,
)

TALK = f"{DIALOGUE}\ndialogue(Following(), typed)"

QUESTION = Question(
    cases=[
        Case(
            "the first words and n more on one line",
            TALK,
            draw_dialogue(["3 {0}", "1 {1} {2}", "12 {3} {4} {5}", "  2   {6}  "]),
            weight=2,
            judge=judge_lines(4),
            core=True,
        ),
        Case(
            "an unknown word is refused in clear words",
            TALK,
            draw_dialogue(["3 hippopotamus", "2 {0}", "2 {1} hippopotamus {2}", "1 {3}"]),
            judge=judge_lines(4),
        ),
        Case(
            "a number under 1 or none, or no words, is refused in clear words",
            TALK,
            draw_dialogue(["0 {0}", "-2 {1}", "{2} {3}", "2 {4}", "4", "2.5 {5}", "1 {6}"]),
            judge=judge_lines(7),
        ),
        Case(
            "words are drawn, and drawn anew for each line",
            f"{DIALOGUE}\ndialogue(Following(0.0), typed)",
            draw_dialogue(["40 {0}", "40 {0}"]),
            weight=0.5,
            judge=judge_chance,
        ),
        Case(
            "a blank line ends the loop",
            f"{DIALOGUE}\n[dialogue(Following(), [*typed, blank, typed[0]]) for blank in ('', '   ')][index]",
            lambda rng: {**draw_dialogue(["2 {0}"])(rng), "index": int(rng.integers(2))},
            weight=0.5,
            judge=judge_end(1, 1),
        ),
        Case(
            "the end of the input ends the loop",
            TALK,
            draw_dialogue(["1 {0}", "x", "2 {1}"]),
            weight=0.5,
            judge=judge_end(3, 0),
        ),
        Case(
            "evaluation mode, and the old mode restored",
            f"{DIALOGUE}\nresults = []\nfor mode in (True, False):\n    asked = Following().train(mode)\n"
            "    talk = dialogue(asked, [*typed, ''] if mode else typed)\n"
            "    results.append((talk, any(asked.modes), asked.training))\nresults",
            draw_dialogue(["4 {0}"]),
            weight=0.5,
            judge=judge_modes,
        ),
    ],
    equivalent=[
        Equivalent(r"int\(count\), (2\.0|0\.5), rng", "The text leaves the temperature free."),
        Equivalent(r"not in the vocabulary|unknown = \[count", "In which words a line is refused is left free."),
        Equivalent(r"manual_seed", "How the generator is seeded is left free."),
    ],
    core="a line with the words given and n more",
    misconceptions=[
        Misconception(
            "first words not printed",
            '" ".join(first + generate(',
            '" ".join(generate(',
            ONLY_NEW,
        ),
        Misconception(
            "n words in all",
            '" ".join(first), int(count), 1.0',
            '" ".join(first), int(count) - len(first), 1.0',
            IN_ALL,
        ),
        Misconception(
            "unknown words read as <unk>",
            "if word not in vocabulary]",
            "if not word]",
            NOT_REFUSED,
        ),
        Misconception(
            "ends on a line that cannot be used",
            "        if not count.isdecimal() or int(count) < 1:\n",
            "        if not count.isdecimal() or int(count) < 1:\n            return\n        elif not count:\n",
            TOO_EARLY,
        ),
        Misconception(
            "end of the input not handled",
            "        except EOFError:\n            return",
            "        except EOFError:\n            raise",
            NO_END,
        ),
        Misconception(
            "zero words accepted",
            " or int(count) < 1",
            "",
            ZERO,
        ),
        Misconception(
            "asks on after a blank line",
            "        if not typed:\n            return",
            "        if not typed:\n            continue",
            ASKS_ON,
        ),
        Misconception(
            "a word to a line",
            'print(" ".join(first + generate(model, vocabulary, " ".join(first), int(count), 1.0, rng)))',
            'print("\\n".join(first + generate(model, vocabulary, " ".join(first), int(count), 1.0, rng)))',
            NOT_ONE_LINE,
        ),
    ],
    builds_on=("generate",),
)
