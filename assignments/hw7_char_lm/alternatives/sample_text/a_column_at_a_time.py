from assignments.hw7_char_lm.notebook import np, torch


def sample_text(model, prompt, length, temperature, top_k, rng):
    if temperature <= 0 or (top_k is not None and top_k <= 0):
        raise ValueError(f"temperature {temperature}, top_k {top_k}")
    mode = model.training
    model.eval()
    result = torch.empty(length, prompt.shape[1], dtype=torch.long)
    with torch.no_grad():
        tokens, state = prompt, model.init_hidden(prompt.shape[1])
        for step in range(length):
            scores, state = model(tokens, state)
            p = torch.softmax(scores[-1].double() / temperature, dim=-1).numpy()
            if top_k is not None:
                order = np.argsort(-p, axis=-1)[:, top_k:]
                np.put_along_axis(p, order, 0.0, axis=-1)
            p = p / p.sum(axis=-1, keepdims=True)
            u = torch.rand(len(p), generator=rng, dtype=torch.float64).numpy()
            for column in range(len(p)):
                allowed = np.flatnonzero(p[column] > 0)
                place = np.searchsorted(np.cumsum(p[column][allowed]), u[column], side="right")
                result[step, column] = int(allowed[min(place, len(allowed) - 1)])
            tokens = result[step : step + 1]
    model.train(mode)
    return result
