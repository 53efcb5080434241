"""The quick perplexity: exact for a model without memory, near the protocol's for one with."""

import math

import pytest
import torch

from autograder.course.paths import OWN
from autograder.course.solutions import namespace
from utils.evaluation import perplexity_by_rows


@pytest.fixture(scope="module")
def model():
    torch.manual_seed(1)
    return namespace(OWN.assignment("hw5_word_lm"))["WordLM"]("LSTM", 7, 6, 6, 1, 0.5, False)


@torch.no_grad()
@pytest.mark.parametrize("bptt", [1, 4, 100])
def test_each_stretch_is_read_from_zeros_and_all_but_its_first_token_count(model, bptt):
    ids = torch.randint(7, (32,), generator=torch.Generator().manual_seed(3))
    model.eval()
    nats = 0.0
    for stretch in ids[:30].split(10):
        logits, _ = model(stretch[:-1].view(-1, 1), model.init_hidden(1))
        nats += float(torch.nn.functional.cross_entropy(logits[:, 0], stretch[1:], reduction="sum"))
    assert perplexity_by_rows(model, ids, 3, bptt) == pytest.approx(math.exp(nats / 27), rel=1e-5)


@pytest.mark.parametrize("training", [True, False])
def test_the_mode_is_left_as_it_was(model, training):
    model.train(training)
    perplexity_by_rows(model, torch.arange(20) % 7, 2, 5)
    assert model.training == training


def test_too_short_a_text_is_refused(model):
    with pytest.raises(ValueError, match="5 ids are too few for 3 stretches"):
        perplexity_by_rows(model, torch.arange(5), 3, 5)
