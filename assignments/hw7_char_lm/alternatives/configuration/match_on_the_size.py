def configuration(size):
    match size:
        case "baseline":
            width, drop = 200, 0.0
        case "large":
            width, drop = 1500, 0.65
        case _:
            raise ValueError(size)
    keys = "rnn_type embedding_size hidden_size num_layers dropout tied bptt batch_size epochs".split()
    config = dict(zip(keys, ("LSTM", width, width, 2, drop, False, 40, 100, 55)))
    config |= {"learning_rate": 1.0, "flat_epochs": 14, "decay": 0.869565}
    return config | {"momentum": 0.0, "clip": 10.0, "seed": 3}
