import re


def bpe_split(word, merges):
    text = "\n" + "".join(letter + "\n" for letter in word)
    for a, b in merges:
        pattern = r"(?<=\n)" + re.escape(a) + "\n" + re.escape(b) + r"(?=\n)"
        text = re.sub(pattern, (a + b).replace("\\", r"\\"), text)
    return tuple(text.strip("\n").split("\n"))
