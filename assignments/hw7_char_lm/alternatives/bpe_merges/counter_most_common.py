import re
from collections import Counter


def bpe_merges(words, count):
    texts = {" ".join(word): times for word, times in words.items()}
    merges = []
    for _ in range(count):
        pairs = Counter()
        for text, times in texts.items():
            symbols = text.split(" ")
            for pair in zip(symbols[:-1], symbols[1:], strict=True):
                pairs.update({pair: times})
        if not pairs:
            break
        ((pair, _),) = pairs.most_common(1)
        merges.append(pair)
        pattern = re.compile(r"(?<!\S)" + re.escape(" ".join(pair)) + r"(?!\S)")
        texts = {pattern.sub(lambda match: match.group().replace(" ", ""), text): n for text, n in texts.items()}
    return merges
