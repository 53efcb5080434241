from assignments.hw5_word_lm.notebook import F, nn, torch


class WordLM(nn.Module):
    def __init__(self, rnn_type, vocab_size, embedding_size, hidden_size, num_layers, dropout, tied):
        super().__init__()
        kinds = {
            "LSTM": lambda: nn.LSTM(embedding_size, hidden_size, num_layers),
            "GRU": lambda: nn.GRU(embedding_size, hidden_size, num_layers),
            "RNN_TANH": lambda: nn.RNN(embedding_size, hidden_size, num_layers, nonlinearity="tanh"),
            "RNN_RELU": lambda: nn.RNN(embedding_size, hidden_size, num_layers, nonlinearity="relu"),
        }
        if rnn_type not in kinds or (tied and hidden_size != embedding_size):
            raise ValueError((rnn_type, embedding_size, hidden_size))
        self.lookup = nn.Embedding(vocab_size, embedding_size)
        self.memory = kinds[rnn_type]()
        self.memory.dropout = dropout if num_layers > 1 else 0.0
        self.p = dropout
        self.matrix = None if tied else nn.Parameter(torch.randn(vocab_size, hidden_size) * 0.05)
        self.offset = nn.Parameter(torch.zeros(vocab_size))
        nn.init.normal_(self.lookup.weight, std=0.05)

    def forward(self, tokens, hidden):
        vectors = F.dropout(self.lookup(tokens), self.p, self.training)
        states, hidden = self.memory(vectors, hidden)
        matrix = self.lookup.weight if self.matrix is None else self.matrix
        return F.linear(F.dropout(states, self.p, self.training), matrix, self.offset), hidden

    def init_hidden(self, batch_size):
        weight = next(self.parameters())
        shape = (self.memory.num_layers, batch_size, self.memory.hidden_size)
        zeros = [torch.zeros(shape, dtype=weight.dtype, device=weight.device) for _ in range(2)]
        return tuple(zeros) if isinstance(self.memory, nn.LSTM) else zeros[0]
