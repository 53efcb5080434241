from assignments.hw5_word_lm.notebook import WordLM, batchify, perplexity, train_epoch
from assignments.hw6_lstm_vs_gru.notebook import learning_rate, math, np, pd, time, torch


def run(config, corpus):
    import io

    def factor(done):
        return learning_rate(done + 1, config["learning_rate"], config["flat_epochs"], config["decay"])

    torch.manual_seed(config["seed"])
    sizes = {key: config[key] for key in ("embedding_size", "hidden_size", "num_layers", "dropout", "tied")}
    model = WordLM(config["rnn_type"], len(corpus.vocabulary), **sizes).to(corpus.train.device)
    descent = torch.optim.SGD(model.parameters(), lr=1.0, momentum=config["momentum"])
    schedule = torch.optim.lr_scheduler.LambdaLR(descent, factor)
    columns, rows, kept, lowest = batchify(corpus.train, config["batch_size"]), [], None, None
    for epoch in range(config["epochs"]):
        began, (rate,) = time.perf_counter(), schedule.get_last_lr()
        nats = train_epoch(model, columns, descent, config["bptt"], config["clip"])
        met = np.exp(nats) if nats < 709 else math.nan
        try:
            found = perplexity(model, corpus.valid, config["bptt"])
        except OverflowError:
            found = math.nan
        if math.isinf(found):
            found = math.nan
        schedule.step()
        row = {"epoch": epoch + 1, "train": met, "validation": found, "learning_rate": rate}
        rows.append(row | {"seconds": time.perf_counter() - began})
        if not math.isnan(found) and (lowest is None or found < lowest):
            lowest, kept = found, io.BytesIO()
            torch.save(model.state_dict(), kept)
    if kept is not None:
        kept.seek(0)
        model.load_state_dict(torch.load(kept))
    return pd.DataFrame.from_records(rows), model
