from assignments.hw1_dropout_batchnorm.notebook import nn, torch


def batch_norm_forward(x, gamma, beta, running_mean, running_var, momentum, eps, training):
    if training and len(x) == 1:
        raise ValueError("one row")
    m, v = (x.mean(0), x.var(0)) if training else (running_mean.copy(), running_var.copy())
    arrays = [torch.from_numpy(a.copy()) for a in (x, running_mean, running_var, gamma, beta)]
    y = nn.functional.batch_norm(*arrays, training, momentum, eps).numpy()
    running_mean[:], running_var[:] = arrays[1].numpy(), arrays[2].numpy()
    s = (v + eps) ** -0.5
    return y, ((x - m) * s, s, gamma, training)
