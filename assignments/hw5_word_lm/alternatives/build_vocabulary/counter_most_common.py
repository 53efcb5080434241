from assignments.hw5_word_lm.notebook import Counter


def build_vocabulary(lines, max_size):
    if max_size < 2:
        raise ValueError(max_size)
    counts = Counter("\n".join(lines).split())
    for special in ("<eos>", "<unk>"):
        del counts[special]
    words = ["<eos>", "<unk>"] + [word for word, _ in counts.most_common(max_size - 2)]
    return dict(zip(words, range(len(words))))
