from assignments.hw4_gru_gradients.notebook import np


def gru_cell_backward(dh_next, cache):
    x, h, z, r, g, p = cache
    e_g = dh_next * (1 - z) * (1 - g) * (1 + g)
    e_z = dh_next * (h - g) * z * (1 - z)
    q = np.einsum("bj,ij->bi", e_g, p["W_hg"])
    e_r = q * h * r * (1 - r)
    errors = {"z": e_z, "r": e_r, "g": e_g}
    dx = sum(np.einsum("bj,ij->bi", e, p["W_x" + k]) for k, e in errors.items())
    dh = z * dh_next + r * q + np.einsum("bj,ij->bi", e_z, p["W_hz"]) + np.einsum("bj,ij->bi", e_r, p["W_hr"])
    gradients = {"b_" + k: np.ones(len(x)) @ e for k, e in errors.items()}
    gradients |= {"W_x" + k: np.einsum("bi,bj->ij", x, e) for k, e in errors.items()}
    gradients |= {"W_hz": h.T @ e_z, "W_hr": h.T @ e_r, "W_hg": np.einsum("bi,bj->ij", r * h, e_g)}
    return [dx, dh, gradients]
