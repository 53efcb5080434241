from assignments.hw5_word_lm.notebook import WordLM, batchify, clip_by_norm, get_batch, perplexity, repackage_hidden
from assignments.hw6_lstm_vs_gru.notebook import (
    F,
    best_epoch,
    copy,
    finite_or_nan,
    learning_rate,
    math,
    pd,
    time,
    torch,
)


def run(config, corpus):
    sizes = {key: config[key] for key in ("embedding_size", "hidden_size", "num_layers", "dropout", "tied")}
    torch.manual_seed(config["seed"])
    model = WordLM(config["rnn_type"], len(corpus.vocabulary), **sizes).to(corpus.train.device)
    descent = torch.optim.SGD(model.parameters(), lr=1.0, momentum=config["momentum"])
    text = batchify(corpus.train, config["batch_size"])
    history = {"epoch": [], "train": [], "validation": [], "learning_rate": [], "seconds": []}
    best_model = model
    for epoch in range(1, config["epochs"] + 1):
        begin = time.time()
        descent.param_groups[0]["lr"] = learning_rate(
            epoch, config["learning_rate"], config["flat_epochs"], config["decay"]
        )
        model.train()
        state, nats, count = model.init_hidden(config["batch_size"]), 0.0, 0
        for piece in range(0, len(text) - 1, config["bptt"]):
            data, targets = get_batch(text, piece, config["bptt"])
            model.zero_grad()
            scores, state = model(data, repackage_hidden(state))
            loss = F.cross_entropy(scores.reshape(-1, scores.size(-1)), targets.reshape(-1))
            loss.backward()
            clip_by_norm(model.parameters(), config["clip"])
            descent.step()
            nats += loss.item() * targets.numel()
            count += targets.numel()
        history["epoch"].append(epoch)
        history["train"].append(finite_or_nan(math.exp, nats / count))
        history["validation"].append(finite_or_nan(perplexity, model, corpus.valid, 200))
        history["learning_rate"].append(descent.param_groups[0]["lr"])
        history["seconds"].append(time.time() - begin + 1e-6)
        if best_epoch(pd.DataFrame(history)) == epoch:
            best_model = copy.deepcopy(model)
    return pd.DataFrame(history), best_model
