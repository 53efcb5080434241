from assignments.hw5_word_lm.notebook import torch


def generate(model, vocabulary, prompt, length, temperature, rng):
    if not temperature > 0:
        raise ValueError(temperature)
    names = {number: word for word, number in vocabulary.items()}
    mode = model.training
    model.eval()
    ids = [vocabulary.get(word, 1) for word in prompt.split()]
    if not ids:
        ids = [0]
    asked = len(ids)
    place = next(model.parameters()).device
    for _ in range(length):
        with torch.no_grad():
            scores = model(torch.tensor(ids, device=place)[:, None], model.init_hidden(1))[0][-1, 0]
        chance = torch.rand(len(names), generator=rng, dtype=torch.float64, device=rng.device)
        noise = -torch.log(-torch.log(chance))
        ids.append(int((scores.double().to(rng.device) / temperature + noise).argmax()))
    model.train(mode)
    return [names[number] for number in ids[asked:]]
