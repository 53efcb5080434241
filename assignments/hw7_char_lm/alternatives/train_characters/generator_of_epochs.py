from assignments.hw5_word_lm.notebook import batchify, perplexity, train_epoch
from assignments.hw7_char_lm.notebook import bits_per_character, math


def train_characters(model, optimiser, train_ids, valid_ids, config):
    def one(epoch):
        falling = max(0, epoch - config["flat_epochs"])
        for group in optimiser.param_groups:
            group.update(lr=config["learning_rate"] * config["decay"] ** falling)
        source = batchify(train_ids, config["batch_size"])
        loss = train_epoch(model, source, optimiser, config["bptt"], config["clip"])
        found = perplexity(model, valid_ids, 1000)
        return bits_per_character(loss, 1), bits_per_character(math.log(found), 1)

    return [one(epoch) for epoch in range(1, 1 + config["epochs"])]
