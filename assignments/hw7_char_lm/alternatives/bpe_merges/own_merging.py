def bpe_merges(words, count):
    table = [(list(word), times) for word, times in words.items()]
    merges = []
    while len(merges) < count:
        best, most = None, 0
        totals = {}
        for symbols, times in table:
            for pair in zip(symbols, symbols[1:], strict=False):
                totals[pair] = totals.get(pair, 0) + times
        for pair, total in totals.items():
            if total > most:
                best, most = pair, total
        if best is None:
            break
        merges.append([*best])
        for symbols, _ in table:
            i = 0
            while i + 1 < len(symbols):
                if (symbols[i], symbols[i + 1]) == best:
                    symbols[i] += symbols.pop(i + 1)
                i += 1
    return merges
