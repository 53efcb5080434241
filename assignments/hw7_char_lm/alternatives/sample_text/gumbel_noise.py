from assignments.hw7_char_lm.notebook import math, torch


def sample_text(model, prompt, length, temperature, top_k, rng):
    if not temperature > 0:
        raise ValueError(temperature)
    if top_k is not None and top_k < 1:
        raise ValueError(top_k)
    mode, text = model.training, prompt.clone()
    model.eval()
    for _ in range(length):
        with torch.no_grad():
            scores = model(text, model.init_hidden(text.size(1)))[0][-1].double()
        if top_k is not None and top_k < scores.size(1):
            bar = scores.sort(dim=1, descending=True).values[:, top_k - 1 : top_k]
            scores = torch.where(scores >= bar, scores, torch.tensor(-math.inf, dtype=scores.dtype))
        noise = -torch.log(-torch.log(torch.rand(scores.shape, generator=rng, dtype=torch.float64)))
        text = torch.cat([text, (scores / temperature + noise).argmax(dim=1)[None]])
    model.train(mode)
    return text[len(prompt) :]
