from assignments.hw2_char_rnn.notebook import np


def rnn_forward(params, tokens, h0):
    h, states, outputs, loss = h0, [h0], [], 0.0
    for token, target in zip(tokens[:-1], tokens[1:]):
        h = np.tanh(params["U"][token] + np.dot(h, params["W"]) + params["b"])
        o = np.dot(h, params["V"]) + params["c"]
        loss += np.logaddexp.reduce(o) - o[target]
        states.append(h)
        outputs.append(o)
    return loss, h, (np.array(tokens[:-1]), np.array(tokens[1:]), np.array(states), np.array(outputs))
