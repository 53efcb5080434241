def clip_by_value(gradients, bound):
    for array in gradients.values():
        array[array > bound] = bound
        array[array < -bound] = -bound
    return gradients
