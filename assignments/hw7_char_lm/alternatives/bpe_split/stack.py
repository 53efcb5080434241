def bpe_split(word, merges):
    symbols = list(word)
    for a, b in merges:
        done, fresh = [], False
        for symbol in symbols:
            if done and not fresh and done[-1] == a and symbol == b:
                done[-1], fresh = a + b, True
            else:
                done.append(symbol)
                fresh = False
        symbols = done
    return symbols
