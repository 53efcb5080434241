from assignments.hw3_lstm.notebook import np, sigmoid


def gradient_per_step(xs, h0, c0, params, name):
    steps, h, c = [], h0, c0
    for x in xs:
        i, f, o = (sigmoid(x @ params["W_x" + k] + h @ params["W_h" + k] + params["b_" + k]) for k in "ifo")
        g = np.tanh(x @ params["W_xg"] + h @ params["W_hg"] + params["b_g"])
        steps.append((x, h, c, i, f, o, g))
        c = i * g + f * c
        h = o * np.tanh(c)
    found, dh, dc = [], np.zeros_like(h0), np.zeros_like(c0)
    for x, h, c, i, f, o, g in reversed(steps):
        c_next = i * g + f * c
        dh = dh + 1.0
        dc = dc + dh * o * (1 - np.tanh(c_next) ** 2)
        da = {
            "i": dc * g * i * (1 - i),
            "f": dc * c * f * (1 - f),
            "o": dh * np.tanh(c_next) * o * (1 - o),
            "g": dc * i * (1 - g**2),
        }
        one = da[name[-1]]
        found.append({"W_x": x.T @ one, "W_h": h.T @ one, "b_": one.sum(axis=0)}[name[:-1]])
        dh, dc = sum(da[k] @ params["W_h" + k].T for k in "ifog"), dc * f
    return np.array(found[::-1])
