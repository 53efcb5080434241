def configuration(size):
    shared = dict(rnn_type="LSTM", num_layers=2, tied=False, bptt=35, batch_size=100, epochs=55, clip=10, seed=0)
    shared.update(learning_rate=1, flat_epochs=14, decay=1.15**-1, momentum=0)
    if size == "baseline":
        return {**shared, "embedding_size": 200, "hidden_size": 200, "dropout": 0}
    if size == "large":
        return {**shared, "embedding_size": 1500, "hidden_size": 1500, "dropout": 0.65, "init": 0.04}
    raise ValueError("unknown size: " + repr(size))
