from assignments.hw6_lstm_vs_gru.notebook import np


def learning_rate(epoch, base, flat_epochs, decay):
    rate = np.float64(base)
    for earlier in range(1, epoch + 1):
        if earlier > flat_epochs:
            rate = rate * decay
    return rate
