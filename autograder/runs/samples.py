"""What a trained word language model says, and which of its words are near each other."""

from __future__ import annotations

import torch
from torch import nn

from utils.word_lm_plots import neighbours

TEMPERATURES, WORDS = (0.5, 1.0, 1.5), 40
PROMPTS = {
    "ptb": ("the company said", "a group of researchers"),
    "wikitext2": ("the film was", "a group of researchers"),
    "toy": ("the teacher near the dogs", "every child"),
}
ASKED = {
    "ptb": ("monday", "million", "company", "she", "february", "bought"),
    "wikitext2": ("monday", "million", "film", "she", "february", "wrote"),
    "toy": ("dog", "teachers", "sings", "quiet"),
}


def samples(hw5: dict, model: nn.Module, vocabulary: dict[str, int], corpus: str) -> str:
    """Text of a model at three temperatures, by hw5's own `generate`, and nearest neighbours by its embedding."""
    parts = []
    for temperature in TEMPERATURES:
        rng = torch.Generator().manual_seed(11)
        for prompt in PROMPTS[corpus]:
            drawn = hw5["generate"](model, vocabulary, prompt, WORDS, temperature, rng)
            text = " ".join([prompt, *drawn]).replace(" <eos>", "\n   ")
            parts.append(f"T = {temperature}: {text}")
    embedding = next(weight for weight in model.parameters() if weight.shape[0] == len(vocabulary))
    vectors = embedding.detach().cpu().numpy()
    known = [word for word in ASKED[corpus] if word in vocabulary]
    parts += [f"{word:9} is near {', '.join(neighbours(vectors, vocabulary, word))}" for word in known]
    return "\n".join(line.rstrip() for line in "\n".join(parts).splitlines()) + "\n"
