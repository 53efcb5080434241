from assignments.hw5_word_lm.notebook import WordLM, batchify, perplexity, train_epoch
from assignments.hw6_lstm_vs_gru.notebook import best_epoch, finite_or_nan, learning_rate, np, pd, time, torch


def run(config, corpus):
    torch.manual_seed(config["seed"])
    model = WordLM(
        rnn_type=config["rnn_type"],
        vocab_size=len(corpus.vocabulary),
        embedding_size=config["embedding_size"],
        hidden_size=config["hidden_size"],
        num_layers=config["num_layers"],
        dropout=config["dropout"],
        tied=config["tied"],
    )
    model.to(corpus.train.device)
    columns = batchify(corpus.train, config["batch_size"])
    sgd = torch.optim.SGD(model.parameters(), config["learning_rate"], config["momentum"], foreach=False)
    history, kept = pd.DataFrame(columns=["epoch", "train", "validation", "learning_rate", "seconds"]), {}
    for number in range(config["epochs"]):
        tick = time.monotonic()
        now = learning_rate(number + 1, config["learning_rate"], config["flat_epochs"], config["decay"])
        sgd.param_groups[0]["lr"] = now
        nats = train_epoch(model, columns, sgd, config["bptt"], config["clip"])
        met = float(np.exp(nats)) if nats < 700 else np.nan
        found = finite_or_nan(perplexity, model, corpus.valid, 35)
        history.loc[number] = [number + 1, met, found, now, max(time.monotonic() - tick, 1e-9)]
        if best_epoch(history) == number + 1:
            kept = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    with torch.no_grad():
        for name, tensor in model.state_dict().items():
            tensor.copy_(kept[name])
    return history, model
