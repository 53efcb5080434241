def decode(step, state, first, eos, limit):
    def tokens(token, state):
        while True:
            answer, state = step(token, state)
            try:
                scores = list(answer)
                token = scores.index(max(scores))
            except TypeError:
                token = answer
            if token == eos:
                return
            yield token

    from itertools import islice

    return list(islice(tokens(first, state), limit))
