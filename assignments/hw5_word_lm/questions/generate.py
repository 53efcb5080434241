"""What the grader asks of `generate`: words drawn by temperature, one after the other."""

from __future__ import annotations

import numpy as np
import torch

from autograder.oracle import Case, Equivalent, Misconception, Question
from autograder.oracle.programs import SUMS, refuses

from ._draws import shuffled, small_vocabulary
from ._sampling import AFTER, DRAWS, TIMES, drawn_by_temperature

# Gives the same scores at every step.
FLAT = """
import torch

class Flat(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.scores = torch.nn.Parameter(scores.clone())

    def forward(self, tokens, hidden):
        if hidden.size(1) != tokens.size(1):
            raise RuntimeError("the state and the tokens have different batch sizes")
        return self.scores.expand(*tokens.shape, -1), hidden

    def init_hidden(self, batch_size):
        return torch.zeros(1, batch_size, 1)
"""


def draw_prompt(rng: np.random.Generator) -> dict:
    """A vocabulary of 11, a prompt of known words, one with an unknown word, and a seed."""
    vocabulary = small_vocabulary(rng, 11)
    known = shuffled(rng, list(vocabulary)[2:])[:4]
    return {
        "vocabulary": vocabulary,
        "prompt": " ".join(known),
        "unknown": " ".join([known[0], "hippopotamus", known[1]]),
        "seed": int(rng.integers(1 << 30)),
    }


def draw_scores(rng: np.random.Generator) -> dict:
    """A vocabulary of 6 with a score each, and a seed."""
    scores = torch.from_numpy(rng.permutation(np.array([-1.0, -0.6, -0.2, 0.2, 0.6, 1.0])).astype(np.float32))
    return {"vocabulary": small_vocabulary(rng, 6), "scores": scores, "seed": int(rng.integers(1 << 30))}


QUESTION = Question(
    cases=[
        Case(
            "the whole prompt is read, then each word that was drawn",
            f"{SUMS}\n"
            "[generate(Sums(), vocabulary, text, 12, 1.0, seeded(seed)) for text in (prompt, prompt.split()[0])]",
            draw_prompt,
            weight=2,
            core=True,
        ),
        Case(
            "an unknown word is read as <unk>, an empty prompt as <eos>",
            f"{SUMS}\n"
            "[generate(Sums(), vocabulary, text, 9, 1.0, seeded(seed)) for text in (unknown, 'hippopotamus', '')]",
            draw_prompt,
        ),
        Case(
            "a long prompt, a temperature next to 0",
            f"{SUMS}\n[generate(Sums(), vocabulary, ' '.join([prompt] * 20), 6, 1.0, seeded(seed)), "
            "generate(Sums(0.5), vocabulary, prompt, 6, 0.01, seeded(seed))]",
            draw_prompt,
            weight=0.5,
        ),
        Case(
            "no graph is made, and gradients are on again afterwards",
            f"{SUMS}\nasked = Sums()\nwords = generate(asked, vocabulary, prompt, 4, 1.0, seeded(seed))\n"
            "(words, any(asked.recorded), torch.is_grad_enabled())",
            draw_prompt,
            weight=0.5,
        ),
        Case(
            "the words are read on the device of the model",
            f"""{SUMS}
class Elsewhere(Sums):
    # Its weights are on torch's device without memory; it notes where the words are that it reads.
    def __init__(self):
        super().__init__()
        self.to("meta")

    def forward(self, tokens, hidden):
        self.recorded.append(tokens.device.type)
        return torch.zeros(*tokens.shape, 11), hidden

asked = Elsewhere()
(len(generate(asked, vocabulary, prompt, 3, 1.0, seeded(seed))), set(asked.recorded) == {{"meta"}})
""",
            draw_prompt,
            weight=0.5,
        ),
        Case(
            "evaluation mode, and the old mode restored",
            f"{SUMS}\nresults = []\nfor mode in (True, False):\n    asked = Sums().train(mode)\n"
            "    words = generate(asked, vocabulary, prompt, 6, 1.0, seeded(seed))\n"
            "    results.append((words, any(asked.modes), asked.training))\nresults",
            draw_prompt,
        ),
        Case(
            "drawn with the probabilities of a low temperature",
            f"{FLAT}\ngenerate(Flat(), vocabulary, '', {DRAWS}, 0.6, torch.Generator().manual_seed(seed))",
            draw_scores,
            weight=1.5,
            judge=drawn_by_temperature(0.6),
            core=True,
        ),
        Case(
            "drawn with the probabilities of a high temperature",
            f"{FLAT}\ngenerate(Flat(), vocabulary, 'owl', {DRAWS}, 2.5, torch.Generator().manual_seed(seed))",
            draw_scores,
            judge=drawn_by_temperature(2.5),
            core=True,
        ),
        Case(
            "all chance comes from rng, which is advanced",
            f"""{FLAT}
def drawn(rng):
    return generate(Flat(), vocabulary, '', 60, 1.0, rng)

torch.manual_seed(seed)
rng = torch.Generator().manual_seed(seed)
first, following = drawn(rng), drawn(rng)
torch.manual_seed(seed + 1)
again = drawn(torch.Generator().manual_seed(seed))
other = drawn(torch.Generator().manual_seed(seed + 1))
(len(first), set(first) <= set(vocabulary), first == again, first == following, first == other)
""",
            draw_scores,
        ),
        Case(
            "one word, and none",
            f"{SUMS}\n[generate(Sums(), vocabulary, prompt, length, 1.0, seeded(seed)) for length in (1, 0, 2)]",
            draw_prompt,
            weight=0.5,
        ),
        Case(
            "a temperature that is not positive is refused",
            SUMS + refuses("generate(Sums(), vocabulary, prompt, 2, value, seeded(seed))", "(0.0, -1.0, 0, 0.5)"),
            draw_prompt,
            weight=0.5,
        ),
    ],
    equivalent=[
        Equivalent(r"two lines exchanged", "These lines do not need each other."),
        Equivalent(r"read\[-1\]", "One word was drawn."),
        Equivalent(r"probabilities\.to\(", "Every generator that is asked lies on the CPU."),
        Equivalent(r"F\.softmax\(logits\[-1, 0\] / temperature(, dim=-?0)?\)", "One column of scores has one axis."),
        Equivalent(r"logits\[-1, -1\]", "There is one column."),
    ],
    core="a prompt that is read whole, and words drawn with the model's probabilities at the given temperature",
    misconceptions=[
        Misconception(
            "always the most probable word",
            "int(torch.multinomial(probabilities.to(rng.device), 1, generator=rng))",
            "int(probabilities.argmax())",
            "Always the most probable word comes: it should be drawn, by its probability.",
        ),
        Misconception(
            "temperature multiplied",
            "logits[-1, 0] / temperature",
            "logits[-1, 0] * temperature",
            TIMES,
        ),
        Misconception(
            "temperature after the softmax",
            "F.softmax(logits[-1, 0] / temperature, dim=-1)",
            "F.softmax(logits[-1, 0], dim=-1) / temperature",
            AFTER,
        ),
        Misconception(
            "end mark after the prompt",
            'for word in prompt.split()] or [vocabulary["<eos>"]]',
            'for word in prompt.split()] + [vocabulary["<eos>"]]',
            "An <eos> is read after the prompt, so the model begins a new sentence instead of going on.",
        ),
        Misconception(
            "prompt among the result",
            "    drawn, hidden = [], model.init_hidden(1)",
            "    drawn, hidden = prompt.split(), model.init_hidden(1)",
            "The prompt stands in the result, which should hold the new words only.",
        ),
        Misconception(
            "state not carried",
            "            logits, hidden = model(",
            "            logits, _ = model(",
            "The state is not carried on from word to word, so the prompt is forgotten after the first draw.",
        ),
        Misconception(
            "dropout on while drawing",
            "model.eval()",
            "model.train()",
            "The model is asked in training mode: dropout should be off while text is drawn.",
        ),
        Misconception(
            "mode not restored",
            "    model.train(was_training)\n",
            "",
            "The model is left in evaluation mode whatever mode it came in.",
        ),
        Misconception(
            "another generator",
            ", generator=rng",
            "",
            "The words are drawn by torch's global generator; all chance should come from rng.",
        ),
        Misconception(
            "temperature not checked",
            "if not temperature > 0:",
            "if temperature is None:",
            "A temperature that is not positive should be refused with a ValueError.",
        ),
        Misconception(
            "words on the CPU",
            "torch.tensor(read, device=device)",
            "torch.tensor(read)",
            "The words are always on the CPU: make them on the device of the model's weights.",
        ),
        Misconception(
            "special entries never drawn",
            "            read = [int(",
            "            probabilities[:2] = 0\n            read = [int(",
            "<eos> and <unk> are never drawn, but any entry of the vocabulary may be.",
        ),
        Misconception(
            "all words read again",
            "            read = [int(torch.multinomial(probabilities.to(rng.device), 1, generator=rng))]\n"
            "            drawn.append(words[read[0]])\n",
            "            read.append(int(torch.multinomial(probabilities.to(rng.device), 1, generator=rng)))\n"
            "            drawn.append(words[read[-1]])\n",
            "After each word the whole text is read again, although the state holds it already: only the new "
            "word is read.",
        ),
        Misconception(
            "only the end of the prompt",
            "for word in prompt.split()] or",
            "for word in prompt.split()[-1:]] or",
            "Only the last word of the prompt is read; the whole prompt should be.",
        ),
        Misconception(
            "the end of the prompt read twice",
            "    with torch.no_grad():\n",
            "    with torch.no_grad():\n        _, hidden = model(torch.tensor(read).view(-1, 1), hidden)\n"
            "        read = read[-1:]\n",
            "The last word of the prompt is read twice: draw the first word from the logits that it already gave.",
        ),
        Misconception(
            "the prompt's state lost while it is read",
            "        for _ in range(length):\n            logits, hidden = model(torch.tensor(read, device",
            "        for _ in range(length):\n            if not drawn:\n                for word in read:\n"
            "                    logits, _ = model(torch.tensor([[word]], device=device), hidden)\n"
            "            else:\n                logits, hidden = model(torch.tensor(read, device",
            "Each word of the prompt is read from a state of zeros: go on from the state that the word before it left.",
        ),
        Misconception(
            "the prompt's state lost after it is read",
            "            logits, hidden = model(torch.tensor(read, device=device).view(-1, 1), hidden)\n",
            "            logits, after = model(torch.tensor(read, device=device).view(-1, 1), hidden)\n"
            "            hidden = after if drawn else hidden\n",
            "The state that the prompt left is thrown away, so only the first word depends on the prompt: go on from "
            "that state.",
        ),
        Misconception(
            "ends at the first <eos>",
            "            drawn.append(words[read[0]])\n",
            "            drawn.append(words[read[0]])\n            if not read[0]:\n                break\n",
            "Drawing ends at the first <eos>, but `length` words were asked for, whatever they are.",
        ),
        Misconception(
            "softmax over the wrong axis",
            "F.softmax(logits[-1, 0] / temperature, dim=-1)",
            "F.softmax(logits[-1] / temperature, dim=0)[0]",
            "The softmax runs over the batch, so all words are equally probable: it should run over the words.",
        ),
    ],
)
