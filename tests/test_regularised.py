"""The record's training: what each of its ingredients does, against torch and against hw5's own epoch."""

from dataclasses import replace

import pytest
import torch
from torch.nn import functional as F

from autograder.course.errors import CourseError
from autograder.course.paths import OWN
from autograder.course.solutions import namespace
from autograder.runs.recipes import Recipe
from autograder.runs.regularised import away_from_targets, states, train_epoch
from autograder.runs.train import train

WORDS, SIZE = 30, 8
HW5 = namespace(OWN.assignment("hw5_word_lm"))
PLAIN = Recipe(dropout=0.0, embedding_size=SIZE, hidden_size=SIZE, bptt=7, clip=0.5, learning_rate=0.1)
RECIPE = replace(
    PLAIN,
    dropout_words=0.2,
    dropout_inputs=0.3,
    dropout_between=0.3,
    dropout_outputs=0.4,
    dropout_weights=0.4,
    activation_cost=0.5,
    temporal_cost=0.5,
    similarity_cost=0.1,
    spread=2.0,
)


def model(seed=0):
    torch.manual_seed(seed)
    return HW5["WordLM"]("LSTM", WORDS, SIZE, SIZE, 2, 0.0, True)


def text(rows=40, batch=3):
    return torch.randint(WORDS, (rows, batch), generator=torch.Generator().manual_seed(1))


def test_without_its_ingredients_it_is_hw5_s_epoch():
    mine, theirs = model(), model()
    source = text(1 + 5 * PLAIN.bptt)  # no shorter segment at the end, whose rate would be lower
    losses = [
        train_epoch(mine, PLAIN, source, torch.optim.SGD(mine.parameters(), 0.1)),
        HW5["train_epoch"](theirs, source, torch.optim.SGD(theirs.parameters(), 0.1), 7, 0.5),
    ]
    assert losses[0] == pytest.approx(losses[1], rel=1e-6)
    assert not torch.equal(mine.decoder.weight, model().decoder.weight)
    for one, other in zip(mine.parameters(), theirs.parameters(), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-5, atol=1e-7)


def test_the_states_are_the_model_s_where_nothing_is_dropped():
    network = model().eval()
    tokens, hidden = text(5), network.init_hidden(3)
    outputs, raw, after = states(network, PLAIN, tokens, hidden)
    logits, expected = network(tokens, hidden)
    torch.testing.assert_close((network.decoder(outputs), *after), (logits, *expected))
    assert torch.equal(outputs, raw)


def test_a_unit_is_dropped_in_all_steps_or_in_none():
    network = model()
    recipe = replace(PLAIN, dropout_outputs=0.4)
    outputs, raw, _ = states(network, recipe, text(6, 50), network.init_hidden(50))
    dropped = (outputs == 0).any(dim=0)
    assert torch.equal(dropped, (outputs == 0).all(dim=0))
    assert 0.3 < dropped.float().mean() < 0.5
    torch.testing.assert_close(outputs[:, ~dropped], raw[:, ~dropped] / 0.6)


def test_a_word_is_dropped_wherever_it_stands():
    """Then no gradient reaches its vector; each stands twice."""
    network, tokens, kept = model(), torch.arange(WORDS).repeat(2)[:, None], []
    for seed in range(40):
        torch.manual_seed(seed)
        _, raw, _ = states(network, replace(PLAIN, dropout_words=0.25), tokens, network.init_hidden(1))
        (gradient,) = torch.autograd.grad(raw.sum(), network.embedding.weight)
        kept.append((gradient != 0).any(dim=1).float())
    assert 0.7 < torch.stack(kept).mean() < 0.8


def test_weights_from_state_to_gates_are_dropped_and_no_others():
    network = model()
    recipe = replace(PLAIN, dropout_weights=0.4)
    _, raw, _ = states(network, recipe, text(6), network.init_hidden(3))
    raw.sum().backward()
    for from_input, from_state, *_ in network.rnn.all_weights:
        assert 0.3 < (from_state.grad == 0).float().mean() < 0.5
        assert (from_input.grad == 0).float().mean() < 0.05


def test_the_cost_of_other_logits_is_the_divergence_at_a_high_temperature():
    torch.manual_seed(0)
    x, weight = torch.randn(6, SIZE).double(), torch.randn(WORDS, SIZE).double()
    targets = torch.tensor([0, 3, 3, 7, 29, 11])
    temperature = 300.0
    mine, theirs = (F.log_softmax(of @ weight.t() / temperature, dim=1) for of in (x, weight[targets]))
    divergence = F.kl_div(mine, theirs, log_target=True, reduction="batchmean")
    assert away_from_targets(x, weight, targets) == pytest.approx(temperature**2 * divergence, rel=0.03)
    assert away_from_targets(weight[targets], weight, targets) == pytest.approx(0, abs=1e-12)


def test_segments_differ_in_length_their_rate_goes_with_it_and_no_token_is_left_out():
    network, source, seen = model(), text(200), []
    optimiser = torch.optim.SGD(network.parameters(), 0.1)
    network.embedding.register_forward_hook(lambda module, arguments, output: seen.append(arguments[0]))
    rates = []
    optimiser.register_step_pre_hook(lambda *_: rates.append(optimiser.param_groups[0]["lr"]))
    torch.manual_seed(0)
    loss = train_epoch(network, RECIPE, source, optimiser)
    assert torch.equal(torch.cat(seen), source[:-1])
    lengths = [len(tokens) for tokens in seen]
    assert len(set(lengths)) > 3
    assert rates == pytest.approx([0.1 * length / RECIPE.bptt for length in lengths])
    assert optimiser.param_groups[0]["lr"] == 0.1
    assert 0 < loss < 6


@pytest.mark.parametrize("name", [name for name in RECIPE.changes() if name.startswith("dropout_") or "cost" in name])
def test_each_ingredient_changes_what_is_learnt(name):
    """Alone, from the same draws."""
    learnt = []
    for recipe in (PLAIN, replace(PLAIN, **{name: 0.4})):
        network = model()
        torch.manual_seed(5)
        train_epoch(network, recipe, text(), torch.optim.SGD(network.parameters(), 0.1))
        learnt.append(network.decoder.weight)
        assert recipe.regularised == (recipe != PLAIN)
    assert not torch.equal(*learnt)


def test_the_rate_falls_along_half_a_cosine_and_the_run_goes_on_where_it_stopped(tmp_path):
    recipe = replace(RECIPE, corpus="toy", cosine=True, epochs=2, batch_size=200, optimiser="AdamW", learning_rate=0.01)
    at_once = train(recipe, tmp_path / "at once", "cpu")
    train(recipe, tmp_path / "in parts", "cpu", stop_after=1)
    in_parts = train(recipe, tmp_path / "in parts", "cpu")
    assert in_parts["test_perplexity"] == at_once["test_perplexity"] == at_once["test_perplexity_of_the_file"]
    rates = [line.split(",")[3] for line in (tmp_path / "at once" / "history.csv").read_text().splitlines()[1:]]
    assert rates == ["0.01", "0.005"]


@pytest.mark.parametrize("change", [{"rnn_type": "GRU"}, {"tied": False}, {"characters": True}])
def test_other_models_are_refused(change, tmp_path):
    with pytest.raises(CourseError, match="a tied LSTM of words"):
        train(replace(RECIPE, corpus="toy", **change), tmp_path)


def test_hw5_s_own_dropout_beside_it_is_refused_and_not_left_out_in_silence(tmp_path):
    with pytest.raises(CourseError, match="takes the place of --dropout: set that to 0"):
        train(replace(RECIPE, corpus="toy", dropout=0.2), tmp_path)
