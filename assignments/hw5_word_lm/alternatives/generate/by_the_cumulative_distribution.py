from assignments.hw5_word_lm.notebook import torch


def generate(model, vocabulary, prompt, length, temperature, rng):
    if temperature <= 0:
        raise ValueError(f"temperature {temperature}")
    words, mode = list(vocabulary), model.training
    state, scores = model.init_hidden(1), None
    weight = next(iter(model.parameters()))
    model.eval()
    result = []
    with torch.no_grad():
        for word in prompt.split() or ["<eos>"]:
            token = vocabulary[word] if word in vocabulary else vocabulary["<unk>"]
            scores, state = model(torch.tensor([[token]], device=weight.device), state)
        while len(result) < length:
            steps = torch.softmax(scores.flatten().double().cpu() / temperature, 0).cumsum(0)
            point = torch.rand(1, generator=rng, dtype=torch.float64) * steps[-1]
            token = min(int(torch.searchsorted(steps, point, right=True)), len(words) - 1)
            result.append(words[token])
            scores, state = model(torch.tensor([[token]], device=weight.device), state)
    model.train(mode)
    return result
