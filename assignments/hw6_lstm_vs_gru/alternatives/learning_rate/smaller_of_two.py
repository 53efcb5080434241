def learning_rate(epoch, base, flat_epochs, decay):
    return min(base, base * decay ** (epoch - flat_epochs))
