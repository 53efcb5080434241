from assignments.hw5_word_lm.notebook import nn, torch


class WordLM(nn.Module):
    def __init__(self, rnn_type, vocab_size, embedding_size, hidden_size, num_layers, dropout, tied):
        super().__init__()
        kinds = {"LSTM": nn.LSTM, "GRU": nn.GRU, "RNN_TANH": nn.RNN, "RNN_RELU": nn.RNN}
        if rnn_type not in kinds:
            raise ValueError(rnn_type)
        if tied and hidden_size != embedding_size:
            raise ValueError((embedding_size, hidden_size))
        more = {"nonlinearity": "relu"} if rnn_type == "RNN_RELU" else {}
        sizes = [embedding_size] + [hidden_size] * (num_layers - 1)
        self.layers = nn.ModuleList(kinds[rnn_type](size, hidden_size, **more) for size in sizes)
        self.embed = nn.Embedding(vocab_size, embedding_size)
        self.drop = nn.Dropout(dropout)
        self.out = nn.Linear(hidden_size, vocab_size)
        nn.init.uniform_(self.embed.weight, -0.1, 0.1)
        if tied:
            self.out.weight = self.embed.weight
        self.pair = rnn_type == "LSTM"

    def forward(self, tokens, hidden):
        x, after = self.embed(tokens), []
        for number, layer in enumerate(self.layers):
            own = tuple(part[number : number + 1] for part in hidden) if self.pair else hidden[number : number + 1]
            x, new = layer(self.drop(x), own)
            after.append(new)
        if self.pair:
            after = tuple(torch.cat(parts) for parts in zip(*after))
        else:
            after = torch.cat(after)
        return self.out(self.drop(x)), after

    def init_hidden(self, batch_size):
        zeros = self.out.bias.new_zeros(len(self.layers), batch_size, self.out.in_features)
        return (zeros, torch.zeros_like(zeros)) if self.pair else zeros
