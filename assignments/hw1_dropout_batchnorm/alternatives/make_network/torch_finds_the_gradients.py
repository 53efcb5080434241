from assignments.hw1_dropout_batchnorm.notebook import dropout, nn, np, torch


def make_network(sizes, dropout_p, batch_norm, rng):
    from types import SimpleNamespace

    def parameter(array):
        return torch.tensor(array, dtype=torch.float64, requires_grad=True)

    bounds = [np.sqrt(6 / before) for before in sizes[:-1]]
    W = [parameter(rng.uniform(-r, r, (a, c))) for r, a, c in zip(bounds, sizes[:-1], sizes[1:])]
    b = [parameter(np.zeros(units)) for units in sizes[1:]]
    norms = [nn.BatchNorm1d(units, dtype=torch.float64) for units in sizes[1:-1]] if batch_norm else []
    learnt = W + b + [p for norm in norms for p in norm.parameters()]

    def run(x, training):
        h = torch.tensor(np.asarray(x, dtype=np.float64))
        for k in range(len(sizes) - 2):
            h = h @ W[k] + b[k]
            if norms:
                h = norms[k].train(training)(h)
            h = torch.relu(h) * torch.tensor(dropout(np.ones(h.shape), dropout_p, training, rng))
        return h @ W[-1] + b[-1]

    def logits(x, training):
        with torch.no_grad():
            return run(x, training).numpy()

    def train_step(x, targets, learning_rate):
        loss = nn.functional.cross_entropy(run(x, True), torch.tensor(targets))
        gradients = torch.autograd.grad(loss, learnt)
        with torch.no_grad():
            for p, gradient in zip(learnt, gradients):
                p.sub_(learning_rate * gradient)
        return loss.item()

    return SimpleNamespace(logits=logits, train_step=train_step)
