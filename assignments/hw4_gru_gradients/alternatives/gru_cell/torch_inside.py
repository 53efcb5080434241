from assignments.hw4_gru_gradients.notebook import torch


def gru_cell(x, h, params):
    p = {name: torch.from_numpy(array) for name, array in params.items()}
    x_, h_ = torch.from_numpy(x), torch.from_numpy(h)
    z = torch.sigmoid(torch.addmm(p["b_z"], x_, p["W_xz"]) + h_ @ p["W_hz"])
    r = torch.sigmoid(torch.addmm(p["b_r"], x_, p["W_xr"]) + h_ @ p["W_hr"])
    g = torch.tanh(torch.addmm(p["b_g"], x_, p["W_xg"]) + (r * h_) @ p["W_hg"])
    return torch.lerp(g, h_, z).numpy(), [x, h, z.numpy(), r.numpy(), g.numpy(), params]
