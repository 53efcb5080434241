from assignments.hw5_word_lm.notebook import np, torch


def perplexity(model, ids, bptt):
    if ids.numel() < 2:
        raise ValueError("too short")
    mode = model.training
    model.train(False)
    hidden, logs = model.init_hidden(1), []
    with torch.inference_mode():
        for now, following in zip(ids[:-1].tolist(), ids[1:].tolist()):
            scores, hidden = model(torch.full((1, 1), now, device=ids.device), hidden)
            logs.append(torch.log_softmax(scores[0, 0].double(), -1)[following].item())
    model.train(mode)
    return float(np.exp(-np.mean(logs)))
