def build_vocabulary(lines, max_size):
    if max_size < 2:
        raise ValueError("max_size is too small: " + str(max_size))
    counts, seen = {}, {}
    for line in lines:
        for word in line.split():
            counts[word] = counts.get(word, 0) + 1
            seen.setdefault(word, len(seen))
    counts.pop("<unk>", None)
    counts.pop("<eos>", None)
    vocabulary = {"<eos>": 0, "<unk>": 1}
    for word in sorted(counts, key=lambda w: (-counts[w], seen[w])):
        if len(vocabulary) == max_size:
            break
        vocabulary[word] = len(vocabulary)
    return vocabulary
