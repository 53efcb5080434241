from assignments.hw5_word_lm.notebook import torch


def query_sentences(model, vocabulary):
    names, mode = list(vocabulary), model.training
    model.eval()
    for line in iter(lambda: ask_line().strip(), ""):
        try:
            number, *words = line.split()
            if not number.isdigit() or number.strip("0") == "" or not words:
                raise ValueError("a number of at least 1 and a first word are needed")
            unknown = set(words) - set(vocabulary)
            if unknown:
                raise ValueError(f"unknown: {unknown}")
        except ValueError as error:
            print("Sorry,", error)
            continue
        tokens = torch.tensor([[vocabulary[word]] for word in words])
        state = model.init_hidden(1)
        with torch.no_grad():
            for _ in range(int(number)):
                scores, state = model(tokens, state)
                tokens = torch.distributions.Categorical(logits=scores[-1]).sample()[None]
                words.append(names[tokens.item()])
        print(" ".join(words))
    model.train(mode)


def ask_line():
    try:
        return input()
    except EOFError:
        return ""
