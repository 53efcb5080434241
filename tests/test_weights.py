"""Weights that are handed in: mapped from any attribute names, written in one step, read without trust."""

import json
import pickle

import numpy as np
import pytest
import safetensors.numpy
import torch
from torch import nn

from utils import weights as weights_module
from utils.weights import describe, export_weights, read_weights, save_weights


class Words(nn.Module):
    """A word language model with attribute names of its own."""

    def __init__(self, rnn=nn.LSTM, tied=False, hidden=5, **options):
        super().__init__()
        self.vectors = nn.Embedding(11, 5 if tied else 4)
        self.memory = rnn(self.vectors.embedding_dim, hidden, 2, **options)
        self.out = nn.Linear(hidden, 11)
        if tied:
            self.out.weight = self.vectors.weight


class ByLayers(nn.Module):
    """A model with a module for each layer."""

    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleList([nn.GRU(4, 6), nn.GRU(6, 6), nn.GRU(6, 6)])
        self.vectors = nn.Embedding(11, 4)
        self.out = nn.Linear(6, 11)


class WithoutLinear(nn.Module):
    """A tied model whose decoder is the embedding's matrix and a bias of its own."""

    def __init__(self):
        super().__init__()
        self.vectors = nn.Embedding(11, 5)
        self.memory = nn.GRU(5, 5)
        self.offset = nn.Parameter(torch.randn(11))


@pytest.mark.parametrize(
    ("rnn", "options", "rnn_type"),
    [
        (nn.LSTM, {}, "LSTM"),
        (nn.GRU, {}, "GRU"),
        (nn.RNN, {}, "RNN_TANH"),
        (nn.RNN, {"nonlinearity": "relu"}, "RNN_RELU"),
        (nn.LSTM, {"batch_first": True}, "LSTM"),
    ],
)
@pytest.mark.parametrize("tied", [True, False])
def test_round_trip_through_a_file(tmp_path, rnn, options, rnn_type, tied):
    model = Words(rnn, tied, **options)
    path = tmp_path / "folder" / "weights.safetensors"
    save_weights(path, model, corpus="toy", epochs=3, rate=0.5, resumed=False)
    metadata, weights = read_weights(path.read_bytes())
    assert metadata == {"corpus": "toy", "epochs": 3, "rate": 0.5, "resumed": False}
    assert describe(weights) == {
        "rnn_type": rnn_type,
        "vocab_size": 11,
        "embedding_size": 5 if tied else 4,
        "hidden_size": 5,
        "num_layers": 2,
        "tied": tied,
    }
    np.testing.assert_array_equal(weights["embedding.weight"], model.vectors.weight.detach())
    np.testing.assert_array_equal(weights["rnn.weight_hh_l1"], model.memory.weight_hh_l1.detach())
    np.testing.assert_array_equal(weights["decoder.bias"], model.out.bias.detach())
    assert ("decoder.weight" in weights) is not tied
    assert [file.name for file in path.parent.iterdir()] == ["weights.safetensors"]


def test_exported_arrays_are_copies():
    model = Words()
    weights = export_weights(model)
    before = weights["embedding.weight"].copy()
    with torch.no_grad():
        model.vectors.weight.add_(1)
    np.testing.assert_array_equal(weights["embedding.weight"], before)


def test_a_bias_switched_off_is_exported_as_zeros():
    model = Words(bias=False)
    model.out = nn.Linear(5, 11, bias=False)
    weights = export_weights(model)
    assert not weights["decoder.bias"].any()
    assert weights["rnn.bias_ih_l1"].shape == (20,)
    assert not weights["rnn.bias_ih_l1"].any()


def test_a_decoder_without_a_module_of_its_own():
    model = WithoutLinear()
    weights = export_weights(model)
    assert describe(weights)["tied"]
    np.testing.assert_array_equal(weights["decoder.bias"], model.offset.detach())


def test_a_module_for_each_layer():
    model = ByLayers()
    weights = export_weights(model)
    assert describe(weights)["num_layers"] == 3
    np.testing.assert_array_equal(weights["rnn.weight_ih_l0"], model.layers[0].weight_ih_l0.detach())
    np.testing.assert_array_equal(weights["rnn.bias_hh_l2"], model.layers[2].bias_hh_l0.detach())


def two_embeddings(model):
    model.more = nn.Embedding(11, 4)


def two_linears(model):
    model.projection = nn.Linear(5, 5)


def cells(model):
    model.memory = nn.LSTMCell(4, 5)


def two_types(model):
    model.more = nn.GRU(5, 5)


def both_ways(model):
    model.memory = nn.LSTM(4, 5, bidirectional=True)


def projected(model):
    model.memory = nn.LSTM(4, 5, proj_size=3)


def further_parameter(model):
    model.start = nn.Parameter(torch.zeros(5))


def not_finite(model):
    with torch.no_grad():
        model.vectors.weight[3, 1] = float("nan")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (two_embeddings, "expected one nn.Embedding in the model, found 2"),
        (two_linears, "expected one nn.Linear"),
        (cells, "found none"),
        (two_types, "found GRU, LSTM"),
        (both_ways, "both ways"),
        (projected, "projection"),
        (further_parameter, "start"),
        (not_finite, "nan or infinity"),
    ],
)
def test_what_cannot_be_mapped_is_refused_in_words(change, words):
    model = Words()
    change(model)
    with pytest.raises(ValueError, match=words):
        export_weights(model)


def good():
    weights = export_weights(Words())
    weights.pop("rnn_type")
    return weights


def packed(weights, metadata=None):
    return safetensors.numpy.save(weights, {"rnn_type": '"LSTM"'} if metadata is None else metadata)


def spoiled(name, value):
    weights = good()
    if value is None:
        del weights[name]
    else:
        weights[name] = value
    return packed(weights)


def deep(layers):
    """Weights with further layers like the second."""
    weights = good()
    parts = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
    return weights | {f"rnn.{part}_l{n}": weights[f"rnn.{part}_l1"] for part in parts for n in range(2, layers)}


def hostile():
    data = packed(good())
    yield "empty", b"", "no safetensors"
    yield "cut off", data[:-5], "no safetensors"
    yield "longer", data + b"x", "no safetensors"
    yield "a huge header", (2**63).to_bytes(8, "little") + data[8:], "no safetensors"
    yield "noise", bytes(range(256)) * 8, "no safetensors"
    yield "a pickle", pickle.dumps({"embedding.weight": 1}), "no safetensors"
    yield "a missing weight", spoiled("decoder.bias", None), "'decoder.bias' is missing"
    yield "a further weight", spoiled("more", np.zeros(3, np.float32)), "'more' is no weight"
    yield "another shape", spoiled("decoder.bias", np.zeros(12, np.float32)), "shape"
    yield "no axes", spoiled("embedding.weight", np.zeros((), np.float32)), "matrix"
    yield "no rows", spoiled("embedding.weight", np.zeros((0, 4), np.float32)), "matrix"
    yield "nan", spoiled("decoder.bias", np.full(11, np.nan, np.float32)), "nan or infinity"
    yield "whole numbers", spoiled("decoder.bias", np.zeros(11, np.int64)), "float32"
    yield "half precision", spoiled("decoder.bias", np.zeros(11, np.float16)), "float32"
    yield "another type", packed(good(), {"rnn_type": '"GRU"'}), "GRU"
    yield "an unknown type", packed(good(), {"rnn_type": '"XLSTM"'}), "rnn_type"
    yield "no metadata", safetensors.numpy.save(good()), "rnn_type"
    yield "deep metadata", packed(good(), {"rnn_type": "[" * 50_000}), "cannot be read"
    yield "a list", packed(good(), {"rnn_type": '"LSTM"', "corpus": "[1]"}), "no plain value"
    yield "long metadata", packed(good(), {"rnn_type": json.dumps("x" * 70_000)}), "characters"
    yield "the type as a tensor", packed({**good(), "rnn_type": np.zeros(2, np.float32)}), "metadata"
    yield "five layers", packed(deep(5)), "5 recurrent layers, 4 are the most"
    yield "many tensors", packed({f"t{i}": np.zeros(1, np.float32) for i in range(101)}), "101 tensors"


@pytest.mark.parametrize(("data", "words"), [pytest.param(d, w, id=i) for i, d, w in hostile()])
def test_hostile_bytes_are_refused_in_words(data, words):
    with pytest.raises(ValueError, match=words):
        read_weights(data)


def test_a_file_that_is_too_large_is_not_opened(monkeypatch, tmp_path):
    monkeypatch.setattr(weights_module, "LIMIT", 100)
    with pytest.raises(ValueError, match="more than 100"):
        read_weights(packed(good()))
    with pytest.raises(ValueError, match="at most 100"):
        save_weights(tmp_path / "w.safetensors", Words())
    assert not list(tmp_path.iterdir())


def test_metadata_must_be_plain(tmp_path):
    with pytest.raises(ValueError, match="history"):
        save_weights(tmp_path / "w.safetensors", Words(), history=[1, 2])


def test_a_model_of_15000_layers_is_refused_before_anything_is_made_of_it():
    with pytest.raises(ValueError, match="15000 recurrent layers, 4 are the most"):
        describe({**deep(15_000), "rnn_type": "LSTM"})
    assert describe({**deep(4), "rnn_type": "LSTM"})["num_layers"] == 4


@pytest.mark.parametrize("value", [None, 5, [], {1: 2}, {"rnn_type": 3}, {"rnn_type": "LSTM", "embedding.weight": 3}])
def test_what_is_no_dict_of_weights_is_refused(value):
    with pytest.raises(ValueError, match=r"weights are a dict|rnn_type|float32"):
        describe(value)
