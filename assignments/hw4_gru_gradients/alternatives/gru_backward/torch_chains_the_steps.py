from assignments.hw4_gru_gradients.notebook import NAMES, TorchStep, torch


def gru_backward(xs, targets, h0, params):
    weights = [torch.tensor(params[name], requires_grad=True) for name in NAMES]
    h, loss = torch.tensor(h0), 0.0
    for x, y in zip(xs, targets):
        h = TorchStep.apply(torch.tensor(x), h, *weights)
        loss = loss + ((h - torch.tensor(y)) ** 2).sum() / 2
    return dict(zip(NAMES, (array.numpy() for array in torch.autograd.grad(loss, weights))))
