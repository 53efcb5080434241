from assignments.hw6_lstm_vs_gru.notebook import math


def learning_rate(epoch, base, flat_epochs, decay):
    if epoch <= flat_epochs:
        return base
    return base * math.pow(decay, epoch - flat_epochs)
