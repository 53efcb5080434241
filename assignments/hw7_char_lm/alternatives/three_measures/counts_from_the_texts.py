from assignments.hw5_word_lm.notebook import encode, perplexity
from assignments.hw7_char_lm.notebook import characters, math


def three_measures(model, vocabulary, lines, bptt):
    spelled = characters([""] + list(lines))  # an empty line in front is nothing but its end mark
    stream = encode(spelled, vocabulary)
    count, word_count = len(stream) - 1, 0
    for line in lines:
        word_count += len(line.split() + ["<eos>"])
    stream = stream.to(next(model.parameters()).device)
    nats = math.log(perplexity(model, stream, bptt))
    return dict(
        historical_perplexity=math.exp(5.6 * nats),
        word_perplexity=math.exp(nats * count / word_count),
        bits_per_character=nats / math.log(2),
    )
