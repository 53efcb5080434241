from assignments.hw7_char_lm.notebook import bpe_split


def bpe_merges(words, count):
    merges = []
    for _ in range(count):
        seen = {}
        for word, times in words.items():
            symbols = bpe_split(word, merges)
            for i in range(len(symbols) - 1):
                pair = (symbols[i], symbols[i + 1])
                seen[pair] = seen.get(pair, 0) + times
        if len(seen) == 0:
            return merges
        merges.append(sorted(seen, key=lambda pair: -seen[pair])[0])
    return merges
