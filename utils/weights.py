"""Weights of a word language model as plain arrays under canonical names, to hand in and to mark.

Students name the attributes of their model as they like. `export_weights` finds the embedding, the recurrent layers
and the decoder by what they are, `save_weights` writes them as safetensors, and `read_weights` reads such a file from
somebody else: it trusts no byte of it and never unpickles.

| name | shape | when |
| --- | --- | --- |
| `rnn_type` | a string: RNN_TANH, RNN_RELU, GRU or LSTM | always |
| `embedding.weight` | (vocab, embedding) | always |
| `rnn.weight_ih_l0`, `rnn.weight_hh_l0`, `rnn.bias_ih_l0`, `rnn.bias_hh_l0` and so on | as in torch | each layer |
| `decoder.weight` | (vocab, hidden) | left out when it is the embedding's own matrix (tied) |
| `decoder.bias` | (vocab,) | always |
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import safetensors
import safetensors.numpy
import torch
from torch import nn

from utils.files import replaced

GATES = {"RNN_TANH": 1, "RNN_RELU": 1, "GRU": 3, "LSTM": 4}
LIMIT = 48_000_000  # bytes of a weights file: as text in an answer it is a third longer, and an answer has 64 MiB
MOST_TENSORS = 100
MOST_LAYERS = 4
MOST_METADATA = 1 << 16  # characters

Weights = dict[str, Any]


def export_weights(model: nn.Module) -> Weights:
    """The weights of a model of one embedding, nn.RNN, nn.GRU or nn.LSTM layers and one decoder, as numpy arrays.

    The layers may be one module or several of one type, which are taken in the order in which they were made. Names
    and shapes are those of the table above. The decoder is the one nn.Linear or, where there is none, what is left
    over: a bias of shape (vocab,), with a matrix of shape (vocab, hidden) unless it is tied. A bias that is switched
    off is exported as zeros.
    Raises ValueError naming what cannot be mapped: two embeddings, cells in place of layers, a further projection,
    a recurrent layer that reads both ways, any other parameter.
    """
    embedding = _the_one(model, nn.Embedding, "nn.Embedding")
    layers = _layers(model)
    weight, bias, rest = _decoder(model, embedding, layers)
    if rest:
        raise ValueError(f"the parameters {', '.join(sorted(rest))} belong to no part of the course's model")
    rnn_type = _rnn_type(layers[0])
    weights: Weights = {"rnn_type": rnn_type, "embedding.weight": _array(embedding.weight)}
    count = 0
    for rnn in layers:
        for layer in range(rnn.num_layers):
            for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh"):
                tensor = getattr(rnn, f"{name}_l{layer}", None)
                rows = GATES[rnn_type] * rnn.hidden_size
                weights[f"rnn.{name}_l{count}"] = _zeros(rows, embedding) if tensor is None else _array(tensor)
            count += 1
    if weight is not embedding.weight:
        weights["decoder.weight"] = _array(weight)
    weights["decoder.bias"] = _zeros(embedding.num_embeddings, embedding) if bias is None else _array(bias)
    describe(weights)
    return weights


def describe(weights: Weights) -> dict[str, Any]:
    """What model the weights belong to: rnn_type, vocab_size, embedding_size, hidden_size, num_layers, tied.

    Raises ValueError naming the entry that is missing, unknown, of the wrong shape or dtype, or not finite, and for
    more than four layers: the text is read a token at a time, which takes so long for each.
    """
    if not isinstance(weights, dict) or not all(isinstance(name, str) for name in weights):
        raise ValueError("weights are a dict by name")
    num_layers = sum(name.startswith("rnn.weight_hh_l") for name in weights)
    if num_layers > MOST_LAYERS:
        raise ValueError(f"there are {num_layers} recurrent layers, {MOST_LAYERS} are the most")
    rnn_type = weights.get("rnn_type")
    if not isinstance(rnn_type, str) or rnn_type not in GATES:
        raise ValueError(f"rnn_type must be one of {', '.join(GATES)}")
    arrays = {name: array for name, array in weights.items() if name != "rnn_type"}
    for name, array in arrays.items():
        if not isinstance(array, np.ndarray) or array.dtype not in (np.float32, np.float64):
            raise ValueError(f"{name[:60]!r} is no array of float32 or float64")
        if not np.isfinite(array).all():
            raise ValueError(f"{name[:60]!r} holds nan or infinity")
    vocab_size, embedding_size = _sizes(arrays, "embedding.weight")
    rows, hidden_size = _sizes(arrays, "rnn.weight_hh_l0")
    gates, tied = GATES[rnn_type], "decoder.weight" not in arrays
    if rows != gates * hidden_size:
        raise ValueError(f"'rnn.weight_hh_l0' has shape {(rows, hidden_size)}, which is no {rnn_type}'s")
    expected: dict[str, tuple[int, ...]] = {"embedding.weight": (vocab_size, embedding_size)}
    for layer in range(num_layers):
        width = hidden_size if layer else embedding_size
        expected[f"rnn.weight_ih_l{layer}"] = (rows, width)
        expected[f"rnn.weight_hh_l{layer}"] = (rows, hidden_size)
        expected[f"rnn.bias_ih_l{layer}"] = expected[f"rnn.bias_hh_l{layer}"] = (rows,)
    expected["decoder.bias"] = (vocab_size,)
    if not tied:
        expected["decoder.weight"] = (vocab_size, hidden_size)
    elif embedding_size != hidden_size:
        raise ValueError(f"tied weights need equal sizes: embedding {embedding_size}, hidden {hidden_size}")
    odd = sorted(set(expected) ^ set(arrays))
    if odd:
        what = "is missing" if odd[0] in expected else "is no weight of the course's model"
        raise ValueError(f"{odd[0][:60]!r} {what}")
    for name, shape in expected.items():
        if arrays[name].shape != shape:
            raise ValueError(f"{name!r} has shape {arrays[name].shape}, {shape} was expected")
    return {
        "rnn_type": rnn_type,
        "vocab_size": vocab_size,
        "embedding_size": embedding_size,
        "hidden_size": hidden_size,
        "num_layers": num_layers,
        "tied": tied,
    }


def save_weights(path: str | Path, model: nn.Module, **metadata: str | int | float | bool | None) -> None:
    """Write a model's weights as safetensors, with metadata, in one step: never half a file.

    metadata: plain values that say where the weights come from, such as corpus="ptb".
    Raises ValueError where `export_weights` refuses the model, the file would be larger than LIMIT or a metadata
    value is not plain.
    """
    path = Path(path)
    weights = export_weights(model)
    described = {**metadata, "rnn_type": weights.pop("rnn_type")}
    for name, value in described.items():
        if not _is_plain(value):
            raise ValueError(f"metadata {name!r} must be a string, a number, True, False or None, got {value!r}")
    data = safetensors.numpy.save(weights, {name: json.dumps(value) for name, value in described.items()})
    if len(data) > LIMIT:
        raise ValueError(f"the weights take {len(data)} bytes; a file that is handed in has at most {LIMIT}")
    path.parent.mkdir(parents=True, exist_ok=True)
    with replaced(path) as part:
        part.write_bytes(data)


def read_weights(data: bytes) -> tuple[dict[str, Any], Weights]:
    """Metadata and weights from the bytes of a file that `save_weights` wrote; the bytes are not trusted.

    Raises ValueError in words: too large, no safetensors file, metadata that are not plain, weights that are no
    word language model's, nan or infinity.
    """
    if not isinstance(data, bytes):
        raise ValueError("no bytes of a file")
    if len(data) > LIMIT:
        raise ValueError(f"the file has {len(data)} bytes, more than {LIMIT}")
    with tempfile.TemporaryDirectory() as folder:  # safetensors reads metadata from a file only
        path = Path(folder) / "weights.safetensors"
        path.write_bytes(data)
        try:
            with safetensors.safe_open(path, "np") as file:
                metadata, names = file.metadata() or {}, list(file.keys())
                if len(names) > MOST_TENSORS:
                    raise ValueError(f"the file holds {len(names)} tensors, more than {MOST_TENSORS}")
                for name in names:
                    if file.get_slice(name).get_dtype() not in ("F32", "F64"):
                        raise ValueError(f"{name[:60]!r} is no array of float32 or float64")
                weights: Weights = {name: np.array(file.get_tensor(name)) for name in names}
        except (safetensors.SafetensorError, OSError) as error:
            raise ValueError("the file is no safetensors file, or only a part of one") from error
    plain = {name: _plain(name, text) for name, text in _small(metadata).items()}
    if "rnn_type" in weights:
        raise ValueError("'rnn_type' belongs into the metadata")
    weights["rnn_type"] = plain.pop("rnn_type", None)
    describe(weights)
    return plain, weights


def _the_one(model: nn.Module, kind: type, words: str) -> Any:
    matches = {name: module for name, module in model.named_modules() if isinstance(module, kind)}
    if len(matches) != 1:
        names = f" ({', '.join(matches)})" if matches else ""
        raise ValueError(f"expected one {words} in the model, found {len(matches)}{names}")
    return next(iter(matches.values()))


def _layers(model: nn.Module) -> list[Any]:
    layers: list[Any] = [module for module in model.modules() if isinstance(module, nn.RNNBase)]
    types = {_rnn_type(rnn) for rnn in layers}
    if len(types) != 1 or not types <= set(GATES):
        what = f"found {', '.join(sorted(types))}" if types else "found none"
        raise ValueError(f"expected recurrent layers of one type, nn.RNN, nn.GRU or nn.LSTM, {what}")
    if any(rnn.bidirectional or rnn.proj_size for rnn in layers):
        raise ValueError("the recurrent layers read both ways or have a projection, which the course's model has not")
    return layers


def _rnn_type(rnn: Any) -> str:
    return f"RNN_{rnn.nonlinearity.upper()}" if isinstance(rnn, nn.RNN) else type(rnn).__name__


def _decoder(model: nn.Module, embedding: nn.Embedding, layers: list[Any]) -> tuple[Any, Any, list[str]]:
    """The decoder's weight, its bias or None, and the names of parameters that belong to nothing."""
    linears = [module for module in model.modules() if isinstance(module, nn.Linear)]
    if len(linears) > 1:
        raise ValueError(f"expected one nn.Linear, the decoder, found {len(linears)}")
    known = {id(parameter) for part in [embedding, *layers, *linears] for parameter in part.parameters()}
    rest = {name: parameter for name, parameter in model.named_parameters() if id(parameter) not in known}
    if linears:
        linear = linears[0]
        shared = linear.weight.data_ptr() == embedding.weight.data_ptr()
        return embedding.weight if shared else linear.weight, linear.bias, list(rest)
    vocab_size = embedding.num_embeddings
    weight, bias, odd = embedding.weight, None, []
    for name, parameter in rest.items():
        if tuple(parameter.shape) == (vocab_size,) and bias is None:
            bias = parameter
        elif tuple(parameter.shape) == (vocab_size, layers[-1].hidden_size) and weight is embedding.weight:
            weight = parameter  # type: ignore[assignment]
        else:
            odd.append(name)
    return weight, bias, odd


def _array(tensor: torch.Tensor) -> np.ndarray:
    return np.array(tensor.detach().cpu().contiguous().numpy())


def _zeros(size: int, embedding: nn.Embedding) -> np.ndarray:
    return np.zeros(size, _array(embedding.weight[:0]).dtype)


def _sizes(arrays: dict[str, np.ndarray], name: str) -> tuple[int, int]:
    if name not in arrays:
        raise ValueError(f"{name!r} is missing")
    if arrays[name].ndim != 2 or 0 in arrays[name].shape:
        raise ValueError(f"{name!r} has shape {arrays[name].shape}, a matrix was expected")
    return arrays[name].shape


def _is_plain(value: Any) -> bool:
    return value is None or isinstance(value, (str, int, float, bool))


def _small(metadata: dict[str, str]) -> dict[str, str]:
    if sum(len(name) + len(text) for name, text in metadata.items()) > MOST_METADATA:
        raise ValueError(f"the metadata have more than {MOST_METADATA} characters")
    return metadata


def _plain(name: str, text: str) -> Any:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"metadata {name[:60]!r} cannot be read") from error
    if not _is_plain(value):
        raise ValueError(f"metadata {name[:60]!r} is no plain value")
    return value
