"""Steps as CUDA graphs: which call is replayed and which runs as ever; on a GPU the same losses as without."""

import copy
import pickle

import pytest
import torch
from torch import nn

from autograder.course.paths import OWN
from autograder.course.solutions import namespace
from utils import graphs
from utils.graphs import graphed

needs_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs an NVIDIA GPU")


class Tiny(nn.Module):
    """A language model in miniature."""

    def __init__(self):
        super().__init__()
        self.embedding, self.rnn, self.decoder = nn.Embedding(5, 4), nn.LSTM(4, 4), nn.Linear(4, 5)

    def forward(self, tokens, hidden):
        outputs, hidden = self.rnn(self.embedding(tokens), hidden)
        return self.decoder(outputs), hidden


STATE = torch.zeros(1, 2, 4), torch.zeros(1, 2, 4)


def tokens(steps):
    return torch.arange(2 * steps).view(steps, 2) % 5


@pytest.fixture
def recorder(monkeypatch):
    """Stands in for the recording; a call that would be replayed adds its shape to the list."""
    replayed = []

    def record(model, eager, tokens, hidden):
        def replay(tokens, hidden):
            replayed.append(tuple(tokens.shape))
            return eager(tokens, hidden)

        return replay

    monkeypatch.setattr(graphs, "_on_gpu", lambda model: True)
    monkeypatch.setattr(graphs, "_record", record)
    return replayed


def test_only_whole_segments_in_training_without_history_are_replayed(recorder):
    model = Tiny()
    with graphed(model, 3, 2):
        logits, state = model(tokens(3), STATE)
        model(tokens(2), STATE)  # the short segment at the end
        model(tokens(3), state)  # a state that was not cut off
        with torch.no_grad():
            model(tokens(3), STATE)
        model.eval()
        model(tokens(3), STATE)
    assert recorder == [(3, 2)]
    torch.testing.assert_close(logits, model(tokens(3), STATE)[0])


def test_outside_the_block_the_model_is_as_before(recorder):
    model = Tiny()
    for _ in range(2):
        with graphed(model, 3, 2):
            model(tokens(3), STATE)
        model(tokens(3), STATE)
    assert recorder == [(3, 2)] * 2
    assert "forward" not in vars(model)
    assert list(model.state_dict()) == list(Tiny().state_dict())
    for twin in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        assert not twin._recorded_graphs
        torch.testing.assert_close(twin(tokens(3), STATE)[0], model(tokens(3), STATE)[0])


def test_a_recording_is_kept_until_weights_move_or_another_precision_is_set(recorder, monkeypatch):
    recordings, record = [], graphs._record
    monkeypatch.setattr(graphs, "_record", lambda *given: recordings.append(1) or record(*given))
    model = Tiny()
    for _ in range(3):
        with graphed(model, 3, 2):
            model(tokens(3), STATE)
    assert len(recordings) == 1
    model.decoder.weight = nn.Parameter(torch.zeros(5, 4))
    with graphed(model, 3, 2):
        model(tokens(3), STATE)
    assert len(recordings) == 2


def test_a_network_that_cannot_be_recorded_says_so_once_and_trains(monkeypatch, capsys):
    def refuse(*given, **options):
        raise RuntimeError("operation not permitted when stream is capturing\nmore")

    monkeypatch.setattr(graphs, "_on_gpu", lambda model: True)
    monkeypatch.setattr(torch.cuda, "make_graphed_callables", refuse)
    monkeypatch.setattr(torch.cuda, "get_rng_state", lambda device: None)
    monkeypatch.setattr(torch.cuda, "set_rng_state", lambda state, device: None)
    model = Tiny()
    for _ in range(2):
        with graphed(model, 3, 2):
            model(tokens(3), STATE)[0].sum().backward()
    said = capsys.readouterr().out
    assert said.count("cannot be recorded as a CUDA graph") == 1
    assert "operation not permitted when stream is capturing" in said


def test_on_a_cpu_nothing_changes():
    model = Tiny()
    with graphed(model, 3, 2):
        assert "forward" not in vars(model)
        model(tokens(3), STATE)


def training_losses(rnn_type, dropout, in_graphs, epochs=3):
    """Mean losses of some epochs of hw5's own train_epoch on a GPU, with a short segment at the end of each."""
    hw5 = namespace(OWN.assignment("hw5_word_lm"))
    torch.manual_seed(1)
    model = hw5["WordLM"](rnn_type, 50, 32, 32, 2, dropout, True).cuda()
    optimiser = torch.optim.SGD(model.parameters(), lr=1.0, fused=True)
    source = torch.randint(50, (64, 4), generator=torch.Generator().manual_seed(2)).cuda()
    losses = []
    for epoch in range(epochs):
        torch.manual_seed(epoch)
        if in_graphs:
            with graphed(model, 10, 4):
                losses.append(hw5["train_epoch"](model, source, optimiser, 10, 0.25))
        else:
            losses.append(hw5["train_epoch"](model, source, optimiser, 10, 0.25))
    return losses


@needs_gpu
@pytest.mark.parametrize("rnn_type", ["RNN_TANH", "GRU", "LSTM"])
def test_on_a_gpu_the_losses_are_those_without_graphs(rnn_type):
    assert training_losses(rnn_type, 0.0, True) == pytest.approx(training_losses(rnn_type, 0.0, False), rel=1e-4)


@needs_gpu
def test_on_a_gpu_each_replay_drops_other_entries():
    hw5 = namespace(OWN.assignment("hw5_word_lm"))
    model = hw5["WordLM"]("LSTM", 50, 32, 32, 2, 0.5, False).cuda()
    read, state = torch.zeros(10, 4, dtype=torch.long).cuda(), model.init_hidden(4)
    with graphed(model, 10, 4):
        drawn = [model(read, state)[0].clone() for _ in range(3)]
    assert not torch.equal(drawn[0], drawn[1])
    assert not torch.equal(drawn[1], drawn[2])
