"""Judges of `generate`: whether words come as often as the temperature says."""

from __future__ import annotations

import torch

from autograder.oracle.judging import likely

DRAWS = 3000
TIMES = "The logits are multiplied by the temperature; they should be divided by it."
AFTER = (
    "The probabilities are divided by the temperature, which changes nothing: it is the logits that are divided by it."
)


def drawn_by_temperature(temperature: float):
    """A judge of DRAWS words drawn from the scores at a temperature.

    By the exact binomial tails right answers fail with a chance of 4e-9, both cases together.
    """

    def judge(answer, inputs, solution) -> str | None:
        words = list(inputs["vocabulary"])
        if not isinstance(answer, list) or len(answer) != DRAWS:
            return "a list of as many words as were asked for should come back"
        if not all(isinstance(word, str) and word in inputs["vocabulary"] for word in answer):
            return "something came back that is no word of the vocabulary"
        counts = [answer.count(word) for word in words]
        scores = inputs["scores"].double()
        if likely(counts, torch.softmax(scores / temperature, 0).tolist()):
            return None
        for slip, sentence in ((scores * temperature, TIMES), (scores, AFTER)):
            if likely(counts, torch.softmax(slip, 0).tolist()):
                return sentence
        return "the words are not drawn with the probabilities of this temperature; any entry may be drawn"

    return judge
