from assignments.hw4_gru_gradients.notebook import nn, torch


def gru_cell_torch(x, h, params):
    linear = nn.functional.linear
    p = {name: torch.from_numpy(array.T) for name, array in params.items()}
    x, h = torch.from_numpy(x), torch.from_numpy(h)
    z = torch.sigmoid(linear(x, p["W_xz"]) + linear(h, p["W_hz"], p["b_z"]))
    r = torch.sigmoid(linear(x, p["W_xr"]) + linear(h, p["W_hr"], p["b_r"]))
    g = torch.tanh(linear(x, p["W_xg"], p["b_g"]) + r * linear(h, p["W_hg"], p["b_hg"]))
    return (g + z * (h - g)).numpy()
