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
    end = vocabulary["<eos>"]
    text = encode(characters(lines), vocabulary).tolist()
    mode = model.training
    model.eval()
    with torch.no_grad():
        scores, _ = model(torch.tensor([[end] + text[:-1]]).t(), model.init_hidden(1))
        nll = F.cross_entropy(scores[:, 0].double(), torch.tensor(text), reduction="sum").item()
    model.train(mode)
    words = len((" <eos> ".join(line.strip() for line in lines) + " <eos>").split())
    return {
        "bits_per_character": bits_per_character(nll, len(text)),
        "word_perplexity": word_perplexity(nll, words),
        "historical_perplexity": historical_perplexity(nll, len(text)),
    }
