"""Dialogues for `query_sentences`, played with answers prepared here, and their judges."""

from __future__ import annotations

import numpy as np

from ._draws import shuffled, small_vocabulary

# Sure of the word after the one that it read last.
DIALOGUE = """
import builtins, contextlib, io
import torch

class Following(torch.nn.Module):
    def __init__(self, sharpness=200.0):
        super().__init__()
        self.scores = torch.nn.Parameter(sharpness * torch.eye(len(vocabulary)).roll(1, 1))
        self.modes = []

    def forward(self, tokens, hidden):
        self.modes.append(self.training)
        if hidden.size(1) != tokens.size(1):
            raise RuntimeError("the state and the tokens have different batch sizes")
        unknown = len(tokens) > 1 and bool((tokens == 1).any())  # a number that was read as a word
        return self.scores.roll(3 * self.training + 5 * unknown, 1)[tokens], hidden

    def init_hidden(self, batch_size):
        return torch.zeros(1, batch_size, 1)

def dialogue(model, typed):
    '''What was printed or asked in answer to each line, how many lines were left, and how the loop ended.'''
    waiting, printed, answers, prompts, real = list(typed), io.StringIO(), [], [], builtins.input
    ended = "quietly"

    def feed(prompt=""):
        prompts.append(str(prompt))
        answers.append(printed.getvalue() + ("" if prompt == prompts[0] else f"\\n{prompt}"))
        printed.seek(0)
        printed.truncate()
        if waiting:
            return waiting.pop(0)
        if len(prompts) > len(typed) + 5:
            raise SystemExit("the loop does not end")
        raise EOFError

    builtins.input = feed
    try:
        with contextlib.redirect_stdout(printed):
            query_sentences(model, vocabulary)
    except EOFError:
        ended = "EOFError"
    finally:
        builtins.input = real
    return [*answers[1:], printed.getvalue()], len(waiting), ended
"""
ONLY_NEW = "Only the new words are printed; the first words should stand in front of them."
IN_ALL = "The number counts the first words too; it should be that of the new words."
NOT_ONE_LINE = "The words stand on lines of their own; they should be on one line."
NOT_REFUSED = "An unknown word is silently read as <unk>; it should be refused in clear words."
ZERO = "A number under 1 is accepted; it should be refused in clear words."
TOO_EARLY = "The loop ends on a line that cannot be used; it should say what is wrong and ask again."
NO_END = "At the end of the input an EOFError comes through; the loop should end quietly there."
ASKS_ON = "A blank line does not end the loop."


def draw_dialogue(lines: list[str]):
    """A vocabulary of 15 and lines to type, with {0}, {1} and so on for its words."""

    def draw(rng: np.random.Generator) -> dict:
        vocabulary = small_vocabulary(rng, 15)
        words = shuffled(rng, list(vocabulary)[2:])
        return {"vocabulary": vocabulary, "typed": [line.format(*words) for line in lines]}

    return draw


def answered(answer, inputs, lines: int) -> str | None:
    """Whether the first `lines` lines that were typed got what is due: a sentence, or clear words."""
    shown = answer[0] if isinstance(answer, tuple) and len(answer) == 3 else None
    if not isinstance(shown, list) or not all(isinstance(part, str) for part in shown):
        return "the dialogue cannot be read"
    if len(shown) < lines:
        return TOO_EARLY
    vocabulary = list(inputs["vocabulary"])
    for typed, said in zip(inputs["typed"][:lines], shown, strict=False):
        count, *first = typed.split()
        good = count.isdecimal() and int(count) > 0 and first and all(word in vocabulary for word in first)
        wrong = _sentence(said, first, int(count), vocabulary) if good else _clear_words(said, count, first, vocabulary)
        if wrong:
            return wrong
    return None


def _sentence(said: str, first: list[str], count: int, vocabulary: list[str]) -> str | None:
    """Whether the first words and `count` more stand on one line of what was printed."""
    start = vocabulary.index(first[-1])
    more = [vocabulary[(start + i + 1) % len(vocabulary)] for i in range(count)]
    sentence = " ".join(first + more)
    printed = [line.strip() for line in said.splitlines()]
    if f"{count} {sentence}" in printed:
        return "The number is printed too; the line should begin with the first words."
    if any(line == sentence or line.endswith(f" {sentence}") for line in printed):
        return None
    if said.split() == first + more:
        return NOT_ONE_LINE
    if " ".join(more) in printed:
        return ONLY_NEW
    if " ".join(first + more[: max(0, count - len(first))]) in printed:
        return IN_ALL
    return "for a number and known words, these and as many more words should be printed on one line"


def _clear_words(said: str, count: str, first: list[str], vocabulary: list[str]) -> str | None:
    """Whether a line that cannot be used was answered in words, and not by a sentence."""
    if first and said.split() == first:
        return ZERO
    if sum(letter.isalpha() for letter in said) < 3:
        return "a line that cannot be used should be answered in clear words"
    if count.isdecimal() and int(count) > 0:
        for line in map(str.split, said.splitlines()):
            more = line[len(first) :]
            if line[: len(first)] == first and len(more) == int(count) and set(more) <= set(vocabulary):
                return NOT_REFUSED
    return None


def judge_lines(lines: int):
    """A judge of a dialogue of so many lines."""

    def judge(answer, inputs, solution) -> str | None:
        wrong = answered(answer, inputs, lines)
        return wrong or (None if answer[1] == 0 and isinstance(answer[2], str) else "the dialogue cannot be read")

    return judge


def judge_end(lines: int, left: int):
    """A judge of a dialogue that should end quietly after some lines, with others not read."""

    def judge(answer, inputs, solution) -> str | None:
        wrong = answered(answer, inputs, lines)
        if wrong:
            return wrong
        if answer[1] != left:
            return ASKS_ON
        return None if answer[2] == "quietly" else NO_END

    return judge


def judge_chance(answer, inputs, solution) -> str | None:
    """Two lines of 40 words from a model to which all words are alike: drawn, and drawn anew for each line."""
    shown = answer[0] if isinstance(answer, tuple) and len(answer) == 3 else None
    if not isinstance(shown, list) or not all(isinstance(part, str) for part in shown) or len(shown) < 2:
        return "the dialogue cannot be read"
    if answer[1] != 0 or not isinstance(answer[2], str):
        return "the dialogue cannot be read"
    lines = [said.split()[-40:] for said in shown[:2]]
    if not all(len(line) == 40 and set(line) <= set(inputs["vocabulary"]) for line in lines):
        return "for a number and known words, these and as many more words should be printed on one line"
    if any(len(set(line)) < 5 for line in lines):
        return "the words are not drawn: always the most probable one comes"
    return "every line draws the same words: chance should go on from line to line" if lines[0] == lines[1] else None


def judge_modes(answer, inputs, solution) -> str | None:
    """Evaluation mode during the dialogue, the old mode after it."""
    if not isinstance(answer, list) or len(answer) != 2:
        return "the dialogue cannot be read"
    for mode, one in zip((True, False), answer, strict=True):
        if not isinstance(one, tuple) or len(one) != 3:
            return "the dialogue cannot be read"
        wrong = answered(one[0], inputs, 1)
        if wrong or one[1] is not False:
            return wrong or "the model was asked in training mode"
        if one[2] is not mode:
            return "the model is not left in the mode in which it came"
    return None
