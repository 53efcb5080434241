def decode(step, state, first, eos, limit):
    if limit == 0:
        return []
    answer, state = step(first, state)
    token = max(range(len(answer)), key=lambda k: answer[k]) if hasattr(answer, "__len__") else answer
    return [] if token == eos else [token] + decode(step, state, token, eos, limit - 1)
