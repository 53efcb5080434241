from assignments.hw7_char_lm.notebook import torch


def sample_text(model, prompt, length, temperature, top_k, rng):
    if temperature <= 0:
        raise ValueError(f"temperature {temperature}")
    if top_k is not None and top_k < 1:
        raise ValueError(f"top_k {top_k}")
    mode, state, text = model.training, model.init_hidden(prompt.shape[1]), []
    model.eval()
    try:
        with torch.no_grad():
            for row in prompt:
                scores, state = model(row[None], state)
            for _ in range(length):
                ranked, order = (scores[-1].double() / temperature).sort(dim=1, descending=True)
                shares = ranked[:, :top_k].softmax(dim=1)
                race = shares / torch.empty_like(shares).exponential_(generator=rng)
                text.append(order.gather(1, race.argmax(dim=1, keepdim=True))[:, 0])
                scores, state = model(text[-1][None], state)
    finally:
        model.train(mode)
    return torch.stack(text) if text else torch.empty(0, prompt.shape[1], dtype=torch.long)
