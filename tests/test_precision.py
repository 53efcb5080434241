"""The precision of training: what is chosen where, and loss scaling under a loop that knows nothing of it."""

import pytest
import torch
from torch import nn

from utils.precision import default_precision, training_at

CPU, GPU = torch.device("cpu"), torch.device("cuda", 0)


@pytest.mark.parametrize(("capability", "expected"), [((7, 5), "highest"), ((8, 0), "high"), ((9, 0), "high")])
def test_the_default_is_what_the_card_is_good_for(monkeypatch, capability, expected):
    monkeypatch.delenv("COURSE_PRECISION", raising=False)
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: capability)
    assert default_precision(GPU) == expected
    assert default_precision(CPU) == "highest"


def test_the_environment_decides_but_not_under_grading(monkeypatch):
    monkeypatch.setenv("COURSE_PRECISION", "bfloat16")
    assert default_precision(CPU) == "bfloat16"
    monkeypatch.setenv("NBGRADER_EXECUTION", "autograde")
    assert default_precision(CPU) == "highest"


def test_an_unknown_precision_is_refused(monkeypatch):
    monkeypatch.setenv("COURSE_PRECISION", "double")
    with pytest.raises(ValueError, match="COURSE_PRECISION must be one of highest"):
        default_precision(CPU)


def test_float16_without_a_gpu_is_refused(monkeypatch):
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: (7, 5))
    monkeypatch.setenv("COURSE_PRECISION", "float16")
    with pytest.raises(ValueError, match="needs a GPU"):
        default_precision(CPU)
    assert default_precision(GPU) == "float16"


class Scores(nn.Module):
    """One linear layer whose output comes as a pair, as from a language model."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(1)
        self.layer = nn.Linear(8, 4)

    def forward(self, x):
        return self.layer(x), None


def one_step(model, optimiser, size):
    """A step on a loss whose gradient is `size` times as large; returns the gradients that the loop saw."""
    x = torch.linspace(-1, 1, 24).view(3, 8)
    optimiser.zero_grad()
    (size * model(x)[0].float().square().mean()).backward()
    seen = torch.cat([parameter.grad.flatten() for parameter in model.parameters()]).clone()
    optimiser.step()
    return seen


def test_scaled_gradients_are_those_of_float32_and_the_tiny_ones_survive():
    for size in (1.0, 1e-6):  # 1e-6 times these gradients is below what float16 can hold
        plain, scaled = Scores(), Scores()
        expected = one_step(plain, torch.optim.SGD(plain.parameters(), lr=0.1), size)
        optimiser = torch.optim.SGD(scaled.parameters(), lr=0.1)
        with training_at("float16", scaled, optimiser):
            seen = one_step(scaled, optimiser, size)
        torch.testing.assert_close(seen, expected, rtol=0.01, atol=0.01 * size)
        assert seen.abs().max() > 0


def test_a_scale_that_is_too_large_costs_steps_and_no_weights():
    model = Scores()
    optimiser = torch.optim.SGD(model.parameters(), lr=1e-9)
    before = model.layer.weight.detach().clone()
    with training_at("float16", model, optimiser):
        seen = [one_step(model, optimiser, 1e5) for _ in range(30)]
    assert all(torch.isfinite(gradient).all() for gradient in seen)
    assert torch.isfinite(model.layer.weight).all()
    assert not torch.equal(model.layer.weight, before), "after some halvings the steps go on"
    exact = Scores()
    expected = one_step(exact, torch.optim.SGD(exact.parameters(), lr=0.0), 1e5)
    torch.testing.assert_close(seen[-1], expected, rtol=0.01, atol=1e-3 * float(expected.abs().max()))


def test_afterwards_nothing_is_left_on_the_model():
    model = Scores()
    optimiser = torch.optim.SGD(model.parameters(), lr=0.1)
    with training_at("float16", model, optimiser):
        one_step(model, optimiser, 1.0)
    after = one_step(model, torch.optim.SGD(model.parameters(), lr=0.0), 1e-3)
    again = one_step(model, torch.optim.SGD(model.parameters(), lr=0.0), 1e-3)
    assert torch.equal(after, again)
    assert not model._forward_hooks
    assert torch.get_float32_matmul_precision() == "highest"
