def sigmoid_derivative(s):
    return 0.25 - (s - 0.5) ** 2
