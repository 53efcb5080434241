def adagrad_step(params, gradients, memory, learning_rate):
    for name in params:
        memory[name][...] = memory[name] + gradients[name] ** 2
        params[name][...] = params[name] - learning_rate * gradients[name] * (memory[name] + 1e-8) ** -0.5
    return params
