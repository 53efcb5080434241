"""Whole training steps in one CUDA graph: step by step they do what hw5's own training loop does."""

import runpy

import pytest
import torch

from autograder.course.paths import OWN, ROOT
from autograder.course.solutions import namespace
from autograder.runs.whole_steps import WholeSteps

needs_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs an NVIDIA GPU")
CLIP, DECAY, RATES = 0.25, 1e-3, (1.0, 1.0, 0.5)


def losses_of_both(rnn_type, dropout, device, precision="highest"):
    """Three epochs by hw5's loop and by whole steps, from the same weights: the losses of each, and its model."""
    hw5 = namespace(OWN.assignment("hw5_word_lm"))
    source = torch.randint(50, (64, 4), generator=torch.Generator().manual_seed(2)).to(device)
    results = []
    for whole in (False, True):
        torch.manual_seed(1)
        model = hw5["WordLM"](rnn_type, 50, 16, 16, 2, dropout, True).to(device)
        steps = WholeSteps(model, 10, 4, CLIP, weight_decay=DECAY, precision=precision)
        losses = []
        for epoch, rate in enumerate(RATES):
            torch.manual_seed(epoch)
            if whole:
                losses.append(steps.train_epoch(source, rate))
            else:
                descent = torch.optim.SGD(model.parameters(), lr=rate, weight_decay=DECAY)
                losses.append(hw5["train_epoch"](model, source, descent, 10, CLIP))
        results.append((losses, model))
    return results


@pytest.mark.parametrize("rnn_type", ["GRU", "LSTM"])
def test_losses_and_weights_are_those_of_the_loop(rnn_type):
    (loop, model), (whole, twin) = losses_of_both(rnn_type, 0.2, "cpu")
    assert whole == pytest.approx(loop, rel=1e-5)
    for weights, others in zip(model.parameters(), twin.parameters(), strict=True):
        torch.testing.assert_close(weights, others, rtol=1e-4, atol=1e-6)


@needs_gpu
@pytest.mark.parametrize("rnn_type", ["GRU", "LSTM"])
def test_on_a_gpu_too(rnn_type):
    (loop, _), (whole, _) = losses_of_both(rnn_type, 0.0, "cuda")
    assert whole == pytest.approx(loop, rel=1e-4)


@needs_gpu
def test_on_a_gpu_bfloat16_ends_near_float32():
    (loop, _), (whole, _) = losses_of_both("LSTM", 0.0, "cuda", "bfloat16")
    assert whole == pytest.approx(loop, rel=0.01)


def test_the_benchmarks_loop_of_the_example_trains_the_same_network():
    benchmark = runpy.run_path(str(ROOT / "benchmarks" / "gpu.py"))
    hw5 = namespace(OWN.assignment("hw5_word_lm"))
    source = torch.randint(50, (30, 4), generator=torch.Generator().manual_seed(2))
    torch.manual_seed(1)
    theirs = benchmark["Examples"]("LSTM", 50, 16, 0.0)
    ours = hw5["WordLM"]("LSTM", 50, 16, 16, 2, 0.0, True)
    with torch.no_grad():
        for weights, values in zip(ours.parameters(), theirs.parameters(), strict=True):
            weights.copy_(values)
    descent = torch.optim.SGD(ours.parameters(), lr=benchmark["RATE"])
    for _ in range(2):
        loss = benchmark["examples_epoch"](theirs, hw5, 10, source)
        assert hw5["train_epoch"](ours, source, descent, 10, benchmark["CLIP"]) == pytest.approx(loss, rel=1e-4)
