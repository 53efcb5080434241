from assignments.hw5_word_lm.notebook import encode
from assignments.hw7_char_lm.notebook import (
    F,
    bits_per_character,
    characters,
    historical_perplexity,
    torch,
    word_perplexity,
)


def three_measures(model, vocabulary, lines, bptt):
    ids = encode(["", *characters(lines)], vocabulary)
    mode = model.training
    model.eval()
    state, nll = model.init_hidden(1), 0.0
    with torch.no_grad():
        for start in range(0, len(ids) - 1, bptt):
            targets = ids[start + 1 : start + 1 + bptt]
            scores, state = model(ids[start : start + len(targets)].view(-1, 1), state)
            nll -= F.log_softmax(scores[:, 0], dim=-1).gather(1, targets.view(-1, 1)).sum().item()
    model.train(mode)
    return {
        "nll": nll,
        "bits_per_character": bits_per_character(nll, len(ids) - 1),
        "word_perplexity": word_perplexity(nll, len(" <eos> ".join([*lines, ""]).split())),
        "historical_perplexity": historical_perplexity(nll, len(ids) - 1),
    }
