from assignments.hw1_dropout_batchnorm.notebook import (
    batch_norm_backward,
    batch_norm_forward,
    dropout,
    loss_and_gradient,
    np,
)


class Classifier:
    def __init__(self, sizes, p, norm, rng):
        self.p, self.rng, self.layers = p, rng, []
        for place, (before, units) in enumerate(zip(sizes[:-1], sizes[1:])):
            layer = {"b": np.zeros(units), "W": rng.standard_normal((before, units)) * (2 / before) ** 0.5}
            if norm and place < len(sizes) - 2:
                layer |= {name: np.zeros(units) for name in ("beta", "running_mean")}
                layer |= {name: np.ones(units) for name in ("running_var", "gamma")}
            self.layers.append(layer)

    def logits(self, x, training):
        self.trace = []
        for layer in self.layers[:-1]:
            z = x @ layer["W"] + layer["b"]
            cache = None
            if "gamma" in layer:
                norm = [layer[name] for name in ("gamma", "beta", "running_mean", "running_var")]
                z, cache = batch_norm_forward(z, *norm, 0.1, 1e-5, training)
            kept = dropout(np.ones(z.shape), self.p, training, self.rng)
            self.trace.append((layer, x, cache, z > 0, kept))
            x = np.maximum(z, 0) * kept
        self.last = x
        return x @ self.layers[-1]["W"] + self.layers[-1]["b"]

    def train_step(self, x, targets, learning_rate):
        loss, d = loss_and_gradient(self.logits(x, True), targets)
        updates = [(self.layers[-1], {"W": self.last.T @ d, "b": d.sum(0)})]
        d = d @ self.layers[-1]["W"].T
        for layer, inputs, cache, positive, kept in reversed(self.trace):
            d = np.where(positive, d * kept, 0.0)
            if cache is not None:
                d, dgamma, dbeta = batch_norm_backward(d, cache)
                updates.append((layer, {"gamma": dgamma, "beta": dbeta}))
            updates.append((layer, {"W": inputs.T @ d, "b": d.sum(0)}))
            d = d @ layer["W"].T
        for layer, changes in updates:
            for name, change in changes.items():
                layer[name] = layer[name] - learning_rate * change
        return loss


def make_network(sizes, dropout_p, batch_norm, rng):
    return Classifier(sizes, dropout_p, batch_norm, rng)
