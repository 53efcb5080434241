from assignments.hw1_dropout_batchnorm.notebook import (
    batch_norm_backward,
    batch_norm_forward,
    dropout,
    loss_and_gradient,
    np,
)


class Hidden:
    def __init__(self, before, units, norm, rng):
        self.weights = [rng.standard_normal((before, units)) * (2 / before) ** 0.5, np.zeros(units)]
        self.norm = [np.ones(units), np.zeros(units)] if norm else []
        self.running = np.zeros(units), np.ones(units)


class Classifier:
    def __init__(self, sizes, p, norm, rng):
        self.p, self.rng = p, rng
        self.hidden = [Hidden(a, b, norm, rng) for a, b in zip(sizes[:-2], sizes[1:-1])]
        self.out = Hidden(sizes[-2], sizes[-1], False, rng)

    def logits(self, x, training):
        self.trace = []
        for layer in self.hidden:
            z = x @ layer.weights[0] + layer.weights[1]
            cache = None
            if layer.norm:
                z, cache = batch_norm_forward(z, *layer.norm, *layer.running, 0.1, 1e-5, training)
            kept = dropout(np.ones(z.shape), self.p, training, self.rng)
            self.trace.append((layer, x, cache, z > 0, kept))
            x = np.maximum(z, 0) * kept
        self.last = x
        return x @ self.out.weights[0] + self.out.weights[1]

    def train_step(self, x, targets, learning_rate):
        loss, d = loss_and_gradient(self.logits(x, True), targets)
        updates = [(self.out.weights, [self.last.T @ d, d.sum(0)])]
        d = d @ self.out.weights[0].T
        for layer, inputs, cache, positive, kept in reversed(self.trace):
            d = np.where(positive, d * kept, 0.0)
            if cache is not None:
                d, *changes = batch_norm_backward(d, cache)
                updates.append((layer.norm, changes))
            updates.append((layer.weights, [inputs.T @ d, d.sum(0)]))
            d = d @ layer.weights[0].T
        for arrays, changes in updates:
            for index, change in enumerate(changes):
                arrays[index] = arrays[index] - learning_rate * change
        return loss


def make_network(sizes, dropout_p, batch_norm, rng):
    return Classifier(sizes, dropout_p, batch_norm, rng)
