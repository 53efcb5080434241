from assignments.hw1_dropout_batchnorm.notebook import (
    batch_norm_backward,
    batch_norm_forward,
    dropout,
    loss_and_gradient,
    np,
)


class Linear:
    def __init__(self, arrays):
        self.arrays = arrays

    def forward(self, x, training):
        self.x = x
        return x @ self.arrays["W"] + self.arrays["b"]

    def backward(self, d):
        self.gradient = {"W": self.x.T @ d, "b": d.sum(axis=0)}
        return d @ self.arrays["W"].T


class Normalised:
    def __init__(self, arrays):
        self.arrays = arrays

    def forward(self, x, training):
        four = [self.arrays[name] for name in ("gamma", "beta", "running_mean", "running_var")]
        y, self.cache = batch_norm_forward(x, *four, 0.1, 1e-5, training)
        return y

    def backward(self, d):
        dx, dgamma, dbeta = batch_norm_backward(d, self.cache)
        self.gradient = {"gamma": dgamma, "beta": dbeta}
        return dx


class Activation:
    gradient: dict = {}

    def __init__(self, p, rng):
        self.p, self.rng = p, rng

    def forward(self, x, training):
        dropped = dropout(np.ones_like(x), self.p, training, self.rng)
        self.factor = np.where(x > 0, dropped, 0)
        return x * self.factor

    def backward(self, d):
        return d * self.factor


class Chain:
    def __init__(self, layers, links):
        self.layers, self.links = layers, links

    def logits(self, x, training):
        for link in self.links:
            x = link.forward(x, training)
        return x

    def train_step(self, x, targets, learning_rate):
        loss, d = loss_and_gradient(self.logits(x, True), targets)
        for link in reversed(self.links):
            d = link.backward(d)
        for link in self.links:
            for name, gradient in link.gradient.items():
                link.arrays[name] -= learning_rate * gradient
        return loss


def make_network(sizes, dropout_p, batch_norm, rng):
    layers, links = [], []
    for inputs, outputs in zip(sizes[:-1], sizes[1:]):
        layers.append({"W": rng.normal(scale=np.sqrt(2 / inputs), size=(inputs, outputs)), "b": np.zeros(outputs)})
        links.append(Linear(layers[-1]))
        if len(layers) < len(sizes) - 1:
            if batch_norm:
                layers[-1].update(gamma=np.ones(outputs), beta=np.zeros(outputs))
                layers[-1].update(running_mean=np.zeros(outputs), running_var=np.ones(outputs))
                links.append(Normalised(layers[-1]))
            links.append(Activation(dropout_p, rng))
    return Chain(layers, links)
