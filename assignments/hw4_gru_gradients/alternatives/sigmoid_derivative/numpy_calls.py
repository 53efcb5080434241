from assignments.hw4_gru_gradients.notebook import np


def sigmoid_derivative(s):
    return np.multiply(s, np.subtract(1.0, s))
