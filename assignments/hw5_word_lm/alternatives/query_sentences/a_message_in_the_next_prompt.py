from assignments.hw5_word_lm.notebook import generate, torch


def query_sentences(model, vocabulary):
    rng, message = torch.Generator(), ""
    rng.seed()
    while True:
        try:
            line = input(message + "\nnumber and first words? ")
        except EOFError:
            break
        if line.strip() == "":
            break
        words, message = line.split(), ""
        try:
            number = int(words[0])
        except ValueError:
            message = "The line should begin with a number."
            continue
        if number <= 0 or len(words) == 1:
            message = "A positive number and at least one word, please."
            continue
        if not all(word in vocabulary for word in words[1:]):
            message = "There is a word that I do not know."
            continue
        print("->", *words[1:], *generate(model, vocabulary, " ".join(words[1:]), number, 1, rng))
