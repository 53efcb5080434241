from assignments.hw5_word_lm.notebook import batchify, perplexity, train_epoch
from assignments.hw6_lstm_vs_gru.notebook import learning_rate
from assignments.hw7_char_lm.notebook import math, torch


def train_characters(model, optimiser, train_ids, valid_ids, config):
    for group in optimiser.param_groups:
        group["lr"] = group["initial_lr"] = 1.0
    scheduler = torch.optim.lr_scheduler.LambdaLR(
        optimiser,
        lambda done: learning_rate(done + 1, config["learning_rate"], config["flat_epochs"], config["decay"]),
    )
    columns, pairs = batchify(train_ids, config["batch_size"]), []
    for _ in range(config["epochs"]):
        loss = train_epoch(model, columns, optimiser, config["bptt"], config["clip"])
        scheduler.step()
        pairs.append([loss * math.log2(math.e), math.log(perplexity(model, valid_ids, 64), 2)])
    return pairs
