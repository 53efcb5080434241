from assignments.hw5_word_lm.notebook import F, clip_by_norm, get_batch, repackage_hidden


def train_epoch(model, source, optimiser, bptt, clip):
    model.train()
    hidden, start, nll = model.init_hidden(source.size(1)), 0, 0.0
    while start < len(source) - 1:
        data, targets = get_batch(source, start, bptt)
        optimiser.zero_grad(set_to_none=False)
        logits, hidden = model(data, hidden)
        loss = F.cross_entropy(logits.reshape(-1, logits.size(-1)), targets.reshape(-1), reduction="sum")
        (loss / targets.numel()).backward()
        clip_by_norm(list(model.parameters()), clip)
        optimiser.step()
        hidden = repackage_hidden(hidden)
        nll += loss.item()
        start += len(data)
    return nll / ((len(source) - 1) * source.size(1))
