from assignments.hw2_char_rnn.notebook import np


def rnn_forward(params, tokens, h0):
    tokens = np.array(tokens)
    classes = len(params["c"])
    one_hot = np.eye(classes)[:, tokens]
    h = h0.reshape(-1, 1)
    states, outputs = [h0], []
    for t in range(len(tokens) - 1):
        h = np.tanh(params["U"].T @ one_hot[:, t : t + 1] + params["W"].T @ h + params["b"][:, None])
        states.append(h[:, 0])
        outputs.append((params["V"].T @ h)[:, 0] + params["c"])
    outputs = np.stack(outputs)
    logs = outputs - np.logaddexp.reduce(outputs, axis=1)[:, None]
    loss = -(logs * one_hot[:, 1:].T).sum()
    return loss, h[:, 0], (tokens[:-1], tokens[1:], np.stack(states), outputs)
