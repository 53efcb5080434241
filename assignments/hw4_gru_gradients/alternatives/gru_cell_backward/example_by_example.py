from assignments.hw4_gru_gradients.notebook import np, sigmoid_derivative


def gru_cell_backward(dh_next, cache):
    x, h, z, r, g, params = cache
    dx, dh = np.zeros_like(x), np.zeros_like(h)
    gradients = {name: np.zeros_like(array) for name, array in params.items()}
    for i in range(len(x)):
        d = dh_next[i]
        da = {"g": d * (1 - z[i]) * (1 - g[i] ** 2), "z": d * (h[i] - g[i]) * sigmoid_derivative(z[i])}
        dq = params["W_hg"] @ da["g"]
        da["r"] = dq * h[i] * sigmoid_derivative(r[i])
        dx[i] = sum(params["W_x" + gate] @ da[gate] for gate in "zrg")
        dh[i] = d * z[i] + dq * r[i] + params["W_hz"] @ da["z"] + params["W_hr"] @ da["r"]
        for gate, state in zip("zrg", (h[i], h[i], r[i] * h[i])):
            gradients["W_x" + gate] += np.outer(x[i], da[gate])
            gradients["W_h" + gate] += np.outer(state, da[gate])
            gradients["b_" + gate] += da[gate]
    return dx, dh, gradients
