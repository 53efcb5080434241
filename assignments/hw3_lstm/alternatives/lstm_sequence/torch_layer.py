from assignments.hw3_lstm.notebook import nn, np, torch


def lstm_sequence(xs, h0, c0, params):
    layer = nn.LSTM(xs.shape[2], h0.shape[1]).double()
    with torch.no_grad():
        for weight, part in zip(layer.parameters(), ("W_x", "W_h", "b_")):
            weight.copy_(torch.from_numpy(np.concatenate([params[part + gate].T for gate in "ifgo"])))
        layer.bias_hh_l0.zero_()
        outputs, (h, c) = layer(torch.from_numpy(xs), (torch.from_numpy(h0)[None], torch.from_numpy(c0)[None]))
    return outputs.numpy(), (h[0].numpy(), c[0].numpy())
