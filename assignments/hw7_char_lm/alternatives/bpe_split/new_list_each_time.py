def bpe_split(word, merges):
    symbols = [*word]
    for pair in merges:
        out, i = [], 0
        while i < len(symbols):
            if tuple(symbols[i : i + 2]) == tuple(pair):
                out.append("".join(pair))
                i += 2
            else:
                out.append(symbols[i])
                i += 1
        symbols = out
    return symbols
