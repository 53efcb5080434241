"""Judges of `sample_text`: whether symbols come as often as temperature and top_k say."""

from __future__ import annotations

import math
from functools import partial

import numpy as np
import torch

from autograder.oracle.judging import likely
from autograder.oracle.programs import SEEDED

from ._draws import seed_of

ROWS, WIDE = 12, 1000  # drawn by one temperature
COLUMNS = 4000  # drawn to see whether columns are independent
SYMBOLS = 6

TIMES = "The scores are multiplied by the temperature; they should be divided by it."
AFTER = (
    "The probabilities are divided by the temperature, which changes nothing: it is the scores that are divided by it."
)
NOT_RENORMALISED = (
    "The shares of the top_k symbols are those of a softmax over all symbols; they should add up to 1 among themselves."
)
GREEDY = "Always the most probable symbol comes: it should be drawn, by its probability."
ONE_DRAW = "One draw serves all columns; each column should draw for itself."
ONE_STEP = "One draw serves all steps, each step should draw anew."
ALL_SYMBOLS = "top_k has no effect, only the top_k most probable symbols should be drawn."
SMALLEST = "The symbols with the smallest scores are drawn from; they should be those with the largest."
OVER_THE_BATCH = "The softmax runs over the columns of the batch; it should run over the symbols of each column."
PROMPT_FORGOTTEN = (
    "Each step of the prompt is read from a state of zeros: go on from the state that the step before it left."
)
STATE_FORGOTTEN = (
    "The state that the prompt left is thrown away, so only the first symbol depends on the prompt: go on from that "
    "state."
)


# Gives one of several rows of scores, by the symbol read last.
TABLE = """
import torch

class Table(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.scores = torch.nn.Parameter(scores.clone())

    def forward(self, tokens, hidden):
        if hidden.size(1) != tokens.size(1):
            raise RuntimeError("the state and the tokens have different batch sizes")
        return self.scores[tokens], hidden

    def init_hidden(self, batch_size):
        return torch.zeros(1, batch_size, 1)
"""
TABLE += SEEDED


def draw_prompts(steps: int, batch: int):
    """A prompt of 11 symbols and a seed."""
    return lambda rng: {"prompt": torch.from_numpy(rng.integers(0, 11, (steps, batch))), "seed": seed_of(rng)}


def draw_scores(rng: np.random.Generator) -> dict:
    """Six well-spaced scores, the same whatever was read, and a seed."""
    row = torch.from_numpy(rng.permutation(np.array([-1.0, -0.6, -0.2, 0.2, 0.6, 1.0])).astype(np.float32))
    return {"scores": row.repeat(SYMBOLS, 1), "seed": seed_of(rng)}


def draw_table(rng: np.random.Generator) -> dict:
    """Scores that depend on the symbol read last, and a seed."""
    rows = [rng.permutation(np.array([-1.0, -0.6, -0.2, 0.2, 0.6, 1.0])) for _ in range(SYMBOLS)]
    return {"scores": torch.from_numpy(np.array(rows, dtype=np.float32)), "seed": seed_of(rng)}


def shares_of(scores: torch.Tensor, temperature: float, top_k: int | None) -> list[float]:
    """The probabilities of the symbols."""
    scores = scores.double() / temperature
    if top_k is not None:
        scores = scores.masked_fill(scores < scores.topk(min(top_k, len(scores))).values[-1], -math.inf)
    return torch.softmax(scores, 0).tolist()


def drawn_as(symbols: torch.Tensor, shares: list[float]) -> bool:
    """Whether each symbol turns up about as often as its share says.

    By the exact tails right answers fail with a chance of 2e-9 in the cases of one temperature each, together, and of
    2e-7 in that of independent columns, where the groups are smaller.
    """
    return likely(torch.bincount(symbols, minlength=SYMBOLS).tolist(), shares)


def rows_of(answer, shape: tuple[int, int]) -> str | None:
    """Whether an untrusted answer is a LongTensor of the shape with ids in range; a reason if not."""
    if not isinstance(answer, torch.Tensor) or answer.dtype != torch.int64:
        return "a LongTensor should come back"
    if tuple(answer.shape) != shape:
        return f"shape {tuple(answer.shape)} came back, (length, batch) {shape} was expected"
    if answer.min() < 0 or answer.max() >= SYMBOLS:
        return "something came back that is no id of the vocabulary"
    return None


def drawn_with(temperature: float, top_k: int | None):
    """A judge of ROWS x WIDE symbols drawn at a temperature from the top_k symbols."""

    def judge(answer, inputs, solution) -> str | None:
        wrong = rows_of(answer, (ROWS, WIDE))
        if wrong:
            return wrong
        scores = inputs["scores"][0]
        if drawn_as(answer.flatten(), shares_of(scores, temperature, top_k)):
            return ONE_STEP if bool((answer == answer[:1]).all()) else None
        if bool((answer == answer[:, :1]).all()):
            return GREEDY if bool((answer == scores.argmax()).all()) else ONE_DRAW
        slips = [
            (shares_of(scores, 1 / temperature, top_k), TIMES),
            (shares_of(scores, 1.0, top_k), AFTER),
            (shares_of(scores, temperature, None), ALL_SYMBOLS),
            (shares_of(-scores, temperature, top_k), SMALLEST),
        ]
        fitting = [
            (_log_likelihood(answer, shares), sentence)
            for shares, sentence in slips
            if drawn_as(answer.flatten(), shares)
        ]
        if fitting:  # some are much alike at one temperature
            return max(fitting)[1]
        if top_k is not None and _left_over(answer, shares_of(scores, temperature, None), top_k):
            return NOT_RENORMALISED
        return "the symbols are not drawn with the probabilities of this temperature and top_k"

    return judge


def _log_likelihood(answer: torch.Tensor, shares: list[float]) -> float:
    """How well shares explain the symbols that were drawn, in nats."""
    counts = torch.bincount(answer.flatten(), minlength=SYMBOLS).tolist()
    return sum(n * math.log(share) for n, share in zip(counts, shares, strict=True) if n)


def _left_over(answer: torch.Tensor, shares: list[float], top_k: int) -> bool:
    """Whether all of the top_k symbols but one have the shares of a softmax over all symbols."""
    kept = sorted(range(len(shares)), key=lambda i: -shares[i])[:top_k]
    counts = torch.bincount(answer.flatten(), minlength=SYMBOLS).tolist()
    draws = answer.numel()
    if sum(counts[i] for i in kept) != draws:
        return False
    right = [abs(counts[i] - draws * shares[i]) <= 6.5 * math.sqrt(draws * shares[i]) + 1 for i in kept]
    return sum(right) == top_k - 1


def columns_apart(top_k: int | None):
    """A judge: each column goes on from the symbol that it read itself, and neighbours draw independently."""
    return partial(_columns_apart, top_k)


def _columns_apart(top_k: int | None, answer, inputs, solution) -> str | None:
    wrong = rows_of(answer, (3, COLUMNS))
    if wrong:
        return wrong
    shares = [shares_of(row, 1.0, top_k) for row in inputs["scores"]]
    before = torch.arange(COLUMNS) % SYMBOLS
    for row in answer:
        for symbol in range(SYMBOLS):
            chosen = row[before == symbol]
            if len(chosen) >= 500 and not drawn_as(chosen, shares[symbol]):
                return "each column should go on from the symbol that it read itself, and draw for itself"
        before = row
    pairs = answer[0, 0::2] * SYMBOLS + answer[0, 1::2]
    counts = torch.bincount(pairs, minlength=SYMBOLS**2)
    read = [(i % SYMBOLS, (i + 1) % SYMBOLS) for i in range(0, COLUMNS, 2)]
    table = torch.tensor(shares, dtype=torch.float64)
    expected = sum(read.count(pair) * torch.outer(table[pair[0]], table[pair[1]]) for pair in set(read)).flatten()
    if top_k is None and bool(((counts - expected).abs() > 6.5 * expected.sqrt() + 3).any()):
        return "columns are not drawn independently of each other"
    return None
