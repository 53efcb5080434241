"""What the grader asks of `sample_text`: symbols drawn by temperature from the top_k most probable ones."""

from __future__ import annotations

import torch

from autograder.oracle import Case, Equivalent, Misconception, Question
from autograder.oracle.programs import SUMS, refuses

from ._sampling import (
    AFTER,
    ALL_SYMBOLS,
    COLUMNS,
    GREEDY,
    NOT_RENORMALISED,
    ONE_DRAW,
    OVER_THE_BATCH,
    PROMPT_FORGOTTEN,
    ROWS,
    SMALLEST,
    STATE_FORGOTTEN,
    SYMBOLS,
    TABLE,
    TIMES,
    WIDE,
    columns_apart,
    draw_prompts,
    draw_scores,
    draw_table,
    drawn_with,
)

QUESTION = Question(
    cases=[
        Case(
            "each column reads its whole prompt, then what it drew",
            f"{SUMS}\nsample_text(Sums(), prompt, 12, 1.0, None, seeded(seed))",
            draw_prompts(5, 3),
            weight=2,
            core=True,
        ),
        Case(
            "a batch of one, a prompt of one step",
            f"{SUMS}\n[sample_text(Sums(), part, 9, 1.0, 4, seeded(seed)) "
            "for part in (prompt[:, :1], prompt[:1], prompt[:1, 1:2])]",
            draw_prompts(4, 2),
        ),
        Case(
            "drawn with the probabilities of a temperature",
            f"{TABLE}\nsample_text(Table(), torch.zeros(1, {WIDE}, dtype=torch.long), {ROWS}, 0.6, None, seeded(seed))",
            draw_scores,
            weight=1.5,
            judge=drawn_with(0.6, None),
            core=True,
        ),
        Case(
            "a high temperature, and top_k above the number of symbols",
            f"{TABLE}\nsample_text(Table(), torch.zeros(1, {WIDE}, dtype=torch.long), {ROWS}, 2.5, 50, seeded(seed))",
            draw_scores,
            judge=drawn_with(2.5, 50),
        ),
        Case(
            "top_k symbols only, their shares renormalised",
            f"{TABLE}\nsample_text(Table(), torch.zeros(1, {WIDE}, dtype=torch.long), {ROWS}, 0.8, 3, seeded(seed))",
            draw_scores,
            weight=1.5,
            judge=drawn_with(0.8, 3),
            core=True,
        ),
        Case(
            "top_k 1 is the most probable symbol",
            f"{TABLE}\nsample_text(Table(), prompt, 7, 3.0, 1, seeded(seed))",
            lambda rng: {**draw_table(rng), "prompt": torch.arange(SYMBOLS).view(1, -1)},
            weight=0.5,
        ),
        Case(
            "columns are drawn independently of each other",
            f"{TABLE}\nstart = (torch.arange({COLUMNS}) % {SYMBOLS}).view(1, -1)\n"
            "sample_text(Table(), start, 3, 1.0, None, seeded(seed))",
            draw_table,
            judge=columns_apart(None),
        ),
        Case(
            "each column draws from its own top_k symbols",
            f"{TABLE}\nstart = (torch.arange({COLUMNS}) % {SYMBOLS}).view(1, -1)\n"
            "sample_text(Table(), start, 3, 1.0, 2, seeded(seed))",
            draw_table,
            judge=columns_apart(2),
        ),
        Case(
            "a long prompt, no graph made of it, and gradients on again afterwards",
            f"{SUMS}\nasked = Sums()\ndrawn = sample_text(asked, prompt, 3, 1.0, None, seeded(seed))\n"
            "(drawn, any(asked.recorded), torch.is_grad_enabled())",
            draw_prompts(150, 2),
            weight=0.5,
        ),
        Case(
            "evaluation mode, and the old mode restored",
            f"{SUMS}\nresults = []\nfor mode in (True, False):\n    asked = Sums().train(mode)\n"
            "    drawn = sample_text(asked, prompt, 6, 1.0, None, seeded(seed))\n"
            "    results.append((drawn, any(asked.modes), asked.training))\nresults",
            draw_prompts(3, 4),
        ),
        Case(
            "all chance comes from rng, which is advanced",
            f"""{TABLE}
def drawn(rng):
    return sample_text(Table(), torch.zeros(1, 9, dtype=torch.long), 20, 1.0, 5, rng)

torch.manual_seed(seed)
rng = seeded(seed)
first, following = drawn(rng), drawn(rng)
torch.manual_seed(seed + 1)
again, other = drawn(seeded(seed)), drawn(seeded(seed + 1))
(tuple(first.shape), torch.equal(first, again), torch.equal(first, following), torch.equal(first, other),
 len(first.unique()) > 2)
""",
            draw_scores,
        ),
        Case(
            "one symbol, and none; the prompt stays as it was",
            f"{SUMS}\n[sample_text(Sums(), prompt, n, 1.0, None, seeded(seed)) for n in (1, 0, 2)] + [prompt]",
            draw_prompts(2, 5),
            weight=0.5,
        ),
        Case(
            "a temperature that is not positive, or a top_k under 1, is refused",
            f"{SUMS}\nknown = sample_text(Sums(), prompt, 3, 1.0, None, seeded(seed))"
            + refuses(
                "sample_text(Sums(), prompt, 2, *value, seeded(seed))",
                "((0.0, None), (-1.0, 3), (0, None), (1.0, 0), (1.0, -2), (0.5, 1))",
            ).replace("\n[outcome", "\n[known] + [outcome"),
            draw_prompts(3, 2),
            weight=0.5,
        ),
        Case(
            "large scores",
            f"{SUMS}\nsample_text(Sums(1e4), prompt, 8, 0.01, 6, seeded(seed))",
            draw_prompts(2, 3),
            weight=0.25,
        ),
    ],
    equivalent=[
        Equivalent(r"two lines exchanged", "These lines do not need each other."),
        Equivalent(r"\.to\((prompt|read|candidates)\)|\.device\)$", "Everything that is asked lies on the CPU."),
        Equivalent(r"min\(entries", "The smallest is the same in any order."),
        Equivalent(r"drawn = \[", "Nothing is drawn yet, so nothing of the prompt either."),
    ],
    core="a prompt that is read whole, and symbols drawn with the model's probabilities, temperature and top_k",
    misconceptions=[
        Misconception(
            "always the most probable symbol",
            "torch.multinomial(shares, 1, generator=rng)",
            "shares.argmax(dim=-1, keepdim=True)",
            GREEDY,
        ),
        Misconception("temperature multiplied", "logits[-1] / temperature", "logits[-1] * temperature", TIMES),
        Misconception(
            "temperature after the softmax",
            "(logits[-1] / temperature).topk(min(top_k or entries, entries))\n"
            "            shares = F.softmax(scores, dim=-1)",
            "logits[-1].topk(min(top_k or entries, entries))\n"
            "            shares = (F.softmax(scores, dim=-1) / temperature)",
            AFTER,
        ),
        Misconception(
            "top_k without renormalising",
            "            shares = F.softmax(scores, dim=-1).to(rng.device)\n"
            "            choice = torch.multinomial(shares, 1, generator=rng)",
            "            shares = F.softmax(logits[-1] / temperature, dim=-1).gather(1, candidates).to(rng.device)\n"
            "            below = shares.cumsum(dim=-1) < torch.rand(len(shares), 1, generator=rng)\n"
            "            choice = below.sum(dim=-1, keepdim=True).clamp(max=shares.size(-1) - 1)",
            NOT_RENORMALISED,
        ),
        Misconception(
            "the smallest scores",
            "topk(min(top_k or entries, entries))",
            "topk(min(top_k or entries, entries), largest=False)",
            SMALLEST,
        ),
        Misconception(
            "top_k ignored",
            "min(top_k or entries, entries)",
            "entries",
            ALL_SYMBOLS,
        ),
        Misconception(
            "scores of 0 outside the top_k",
            "(logits[-1] / temperature).topk(min(top_k or entries, entries))",
            "logits[-1] / temperature, torch.arange(entries).expand(logits.size(1), -1)\n"
            "            scores = scores * (scores >= scores.topk(min(top_k or entries, entries)).values[:, -1:])",
            "Outside the top_k the scores became 0, which is a score like any other: they should be -inf.",
        ),
        Misconception(
            "top_k above the vocabulary",
            "min(top_k or entries, entries)",
            "top_k or entries",
            "A top_k above the number of symbols should mean all of them.",
        ),
        Misconception(
            "one draw for all columns",
            "choice = torch.multinomial(shares, 1, generator=rng).to(device)",
            "choice = torch.multinomial(shares[:1], 1, generator=rng).to(device).expand(len(shares), 1)",
            ONE_DRAW,
        ),
        Misconception(
            "state not carried",
            "            logits, hidden = model(",
            "            logits, _ = model(",
            "The state is not carried on from step to step, so the prompt is forgotten after the first draw.",
        ),
        Misconception(
            "only the end of the prompt",
            "read, hidden = prompt.to(device)",
            "read, hidden = prompt[-1:].to(device)",
            "Only the last step of the prompt is read; the whole prompt should be.",
        ),
        Misconception(
            "the end of the prompt read twice",
            "    with torch.no_grad():\n        for _ in range(length):\n",
            "    with torch.no_grad():\n        _, hidden = model(read, hidden)\n        read = read[-1:]\n"
            "        for _ in range(length):\n",
            "The last step of the prompt is read twice: draw the first symbol from the scores that it already gave.",
        ),
        Misconception(
            "prompt among the result",
            "drawn = [read[:0]]",
            "drawn = [read]",
            "The prompt stands in the result, which should hold the drawn symbols only.",
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
            "batch first",
            "return torch.cat(drawn)",
            "return torch.cat(drawn).t()",
            "The shape is (batch, length); the steps should come first.",
        ),
        Misconception(
            "torch's own generator",
            ", generator=rng",
            "",
            "The symbols do not come from rng, so the same state of rng gives other symbols.",
        ),
        Misconception(
            "a generator seeded in the function",
            "    device = next(",
            "    rng = torch.Generator().manual_seed(0)\n    device = next(",
            "The generator is seeded in the function, so every call gives the same text whatever rng is given.",
        ),
        Misconception(
            "temperature not checked",
            "if not temperature > 0:",
            "if temperature == 0:",
            "A negative temperature should be refused with a ValueError, as zero is.",
        ),
        Misconception(
            "top_k not checked",
            "top_k is not None and top_k < 1",
            "top_k is not None and top_k < 0",
            "A top_k of 0 leaves nothing to draw from and should be refused with a ValueError.",
        ),
        Misconception(
            "the place for the symbol",
            "candidates.gather(1, choice)",
            "choice",
            "The place among the top_k is taken for the symbol: look up which symbol stands at that place.",
        ),
        Misconception(
            "the prompt's state lost while it is read",
            "        for _ in range(length):\n            logits, hidden = model(read, hidden)\n",
            "        for place in range(length):\n            logits, after = model(read[-1:], hidden)\n"
            "            hidden = after if place else hidden\n",
            PROMPT_FORGOTTEN,
        ),
        Misconception(
            "the prompt's state lost after it is read",
            "            logits, hidden = model(read, hidden)\n",
            "            logits, after = model(read, hidden)\n            hidden = after if drawn[1:] else hidden\n",
            STATE_FORGOTTEN,
        ),
        Misconception(
            "softmax over the batch", "F.softmax(scores, dim=-1)", "F.softmax(scores, dim=0)", OVER_THE_BATCH
        ),
    ],
)
