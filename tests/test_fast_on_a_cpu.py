"""What is faster on a CPU, against torch: a GRU with its own way back, a loss fused with the decoder."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from autograder.course.paths import OWN
from autograder.course.solutions import namespace
from autograder.runs.fused_loss import LinearCrossEntropy, train_epoch
from autograder.runs.gru import faster_gru
from benchmarks.word_lm import FIRST, TINY, perplexities

SIZES = st.integers(1, 5)


def gradients(gru, x, h):
    """Outputs, state, and the gradients of all that went in."""
    x, h = x.clone().requires_grad_(), h.clone().requires_grad_()
    outputs, state = gru(x, h)
    weights = torch.linspace(-1, 1, outputs.numel(), dtype=x.dtype).view_as(outputs)
    ((weights * outputs).sum() + state.square().sum()).backward()
    assert all(parameter.grad is not None for parameter in gru.parameters())
    found = [parameter.grad.clone() for parameter in gru.parameters()]
    gru.zero_grad()
    return [outputs.detach(), state.detach(), x.grad, h.grad, *found]


@settings(deadline=None, max_examples=40)
@given(SIZES, SIZES, SIZES, SIZES, st.integers(1, 3))
def test_results_and_gradients_are_torch_s(steps, batch, inputs, hidden, layers):
    torch.manual_seed(steps + 10 * batch + 100 * inputs)
    gru = nn.GRU(inputs, hidden, layers).double()
    x, h = torch.randn(steps, batch, inputs).double(), torch.randn(layers, batch, hidden).double()
    expected = gradients(gru, x, h)
    with faster_gru(gru):
        torch.testing.assert_close(gradients(gru, x, h), expected, rtol=1e-9, atol=1e-12)
    assert "forward" not in vars(gru)


def test_dropout_between_layers_is_drawn_as_torch_draws_it_on_average():
    torch.manual_seed(1)
    gru = nn.GRU(4, 300, 2, dropout=0.25)
    x, h = torch.randn(3, 50, 4), torch.zeros(2, 50, 300)
    with faster_gru(gru):
        first, second = gru(x, h)[0], gru(x, h)[0]
        assert not torch.equal(first, second)
        gru.eval()
        torch.testing.assert_close(gru(x, h)[0], nn.GRU.forward(gru, x, h)[0])


@pytest.mark.parametrize("options", [{"bidirectional": True}, {"batch_first": True}, {"bias": False}])
def test_other_grus_run_as_ever(options):
    gru = nn.GRU(3, 4, **options)
    x = torch.randn(5, 2, 3)
    expected = gru(x)[0]
    with faster_gru(gru):
        assert torch.equal(gru(x)[0], expected)


@pytest.mark.parametrize("rnn_type", ["LSTM", "GRU"])
def test_the_loops_of_the_benchmark_train_the_same_network(rnn_type):
    hw5, size = namespace(OWN.assignment("hw5_word_lm")), TINY | {"dropout": 0.0}
    ids = torch.randint(50, (600,), generator=torch.Generator().manual_seed(2))
    found = perplexities(hw5, rnn_type, size, ids[:400], ids[400:])
    exact = {name: value for name, value in found.items() if name.startswith("highest")}
    assert exact == pytest.approx(dict.fromkeys(exact, found[FIRST]), rel=1e-3)
    assert all(math.isfinite(value) for value in found.values())


def test_the_fused_loss_and_its_gradients_are_the_cross_entropy_s_to_the_bits_of_bfloat16():
    torch.manual_seed(1)
    x, weight = torch.randn(150, 20, requires_grad=True), torch.randn(70, 20, requires_grad=True)
    bias, targets = torch.randn(70, requires_grad=True), torch.randint(70, (150,))
    expected = nn.functional.cross_entropy(nn.functional.linear(x, weight, bias), targets)
    loss = LinearCrossEntropy.apply(x, weight, bias, targets)
    torch.testing.assert_close(loss, expected, rtol=1e-3, atol=0)
    arrays = (x, weight, bias)
    for one, other in zip(
        torch.autograd.grad(3 * loss, arrays), torch.autograd.grad(3 * expected, arrays), strict=True
    ):
        assert one.dtype == torch.float32
        assert float((one - other).norm() / other.norm()) < 0.01


@pytest.mark.parametrize("rnn_type", ["LSTM", "GRU"])
def test_an_epoch_with_the_fused_loss_is_hw5_s(rnn_type):
    hw5, losses = namespace(OWN.assignment("hw5_word_lm")), []
    source = torch.randint(50, (41, 4), generator=torch.Generator().manual_seed(2))
    for fused in (False, True):
        torch.manual_seed(1)
        model = hw5["WordLM"](rnn_type, 50, 16, 16, 2, 0.0, True)
        descent = torch.optim.SGD(model.parameters(), lr=2.0)
        arguments = (model, source, descent, 15, 0.25)
        losses.append([train_epoch(hw5, *arguments) if fused else hw5["train_epoch"](*arguments) for _ in range(3)])
    assert losses[1] == pytest.approx(losses[0], rel=2e-3)
