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
    text = encode(characters(lines), vocabulary)
    mode = model.training
    model.eval()
    with torch.no_grad():
        state, parts = model.init_hidden(1), []
        for read in torch.cat([torch.tensor([end]), text[:-1]]).split(bptt):
            scores, state = model(read.view(-1, 1), state)
            parts.append(scores[:, 0].double())
        nll = F.cross_entropy(torch.cat(parts), text, reduction="sum").item()
    model.train(mode)
    words = len((" <eos> ".join(line.strip() for line in lines) + " <eos>").split())
    return {
        "bits_per_character": bits_per_character(nll, len(text)),
        "word_perplexity": word_perplexity(nll, words),
        "historical_perplexity": historical_perplexity(nll, len(text)),
    }
