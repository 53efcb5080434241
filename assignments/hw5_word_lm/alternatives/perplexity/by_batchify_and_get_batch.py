from assignments.hw5_word_lm.notebook import torch


def perplexity(model, ids, bptt):
    if len(ids) <= 1:
        raise ValueError(f"need two ids, got {len(ids)}")
    source, mode = ids[:, None], model.training
    total = torch.zeros((), dtype=torch.float64)
    state = model.init_hidden(1)
    try:
        model.eval()
        with torch.no_grad():
            start = 0
            while start < len(source) - 1:
                data, targets = source[start : start + bptt][: len(source) - 1 - start], source[start + 1 :][:bptt]
                scores, state = model(data, state)
                normal = scores.logsumexp(-1) - scores.gather(-1, targets[..., None]).squeeze(-1)
                total += normal.sum().double()
                start += bptt
    finally:
        model.train(mode)
    return torch.exp(total / (len(source) - 1)).item()
