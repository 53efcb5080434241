"""What the grader asks of `table`: the figures of the notebook's table, recomputed from the weights."""

from __future__ import annotations

from autograder.oracle import Case, Question
from autograder.oracle.programs import EXPORTED

from ._models import MODELS, TRAINED, as_model, text_of


def recomputed(split: str):
    """A judge of a column of the table: each number against that of the weights, on the grader's own corpus."""

    def judge(answer, inputs, solution) -> str | None:
        if not isinstance(answer, tuple) or len(answer) != 2 or not all(isinstance(part, dict) for part in answer):
            return "table should be a DataFrame with a row per model and the columns train, validation and test"
        told, weights = answer
        if set(told) != set(MODELS) or set(weights) != set(MODELS):
            return "table and models should have the four names LSTM, LSTM dropout, GRU and GRU dropout"
        ids = getattr(text_of(solution), {"validation": "valid"}.get(split, split))
        for name, value in told.items():
            model = as_model(weights[name], name, solution)
            if isinstance(model, str):
                return model
            if (
                not isinstance(value, (int, float))
                or not abs(value / solution["perplexity"](model, ids, 512) - 1) < 1e-3
            ):
                return f"the {split} perplexity of {name!r} in the table is not what the model gives"
        return None

    return judge


QUESTION = Question(
    cases=[
        Case(
            f"the column {split}, recomputed from models",
            f"{EXPORTED}\n(table[{split!r}].to_dict(), {{str(name): exported(models[name]) for name in models}})",
            judge=recomputed(split),
        )
        for split in ("train", "validation", "test")
    ],
    builds_on=(*TRAINED, "models"),
)
