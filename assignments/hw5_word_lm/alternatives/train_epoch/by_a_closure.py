from assignments.hw5_word_lm.notebook import nn, torch


def train_epoch(model, source, optimiser, bptt, clip):
    model.train(True)
    state = model.init_hidden(source.shape[1])
    sums = []
    for start in range(0, source.shape[0] - 1, bptt):
        data, targets = source[:-1][start : start + bptt], source[1:][start : start + bptt]
        state = tuple(s.detach() for s in state) if isinstance(state, tuple) else state.detach()
        kept = {}

        def closure():
            model.zero_grad(set_to_none=True)
            scores, kept["state"] = model(data, state)
            loss = nn.functional.nll_loss(torch.log_softmax(scores, -1).transpose(1, 2), targets)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), clip)
            return loss

        loss = optimiser.step(closure)
        state = kept["state"]
        sums.append((loss.item() * len(data), len(data)))
    return sum(s for s, _ in sums) / sum(n for _, n in sums)
