from assignments.hw5_word_lm.notebook import nn


class WordLM(nn.Module):
    def __init__(self, rnn_type, vocab_size, embedding_size, hidden_size, num_layers, dropout, tied):
        super().__init__()
        if rnn_type not in ("LSTM", "GRU", "RNN_TANH", "RNN_RELU"):
            raise ValueError(rnn_type)
        if tied and hidden_size != embedding_size:
            raise ValueError((embedding_size, hidden_size))
        more = {"dropout": dropout if num_layers > 1 else 0.0}
        if rnn_type.startswith("RNN"):
            more["nonlinearity"] = rnn_type.split("_")[1].lower()
        self.words = nn.Embedding(vocab_size, embedding_size)
        self.core = getattr(nn, rnn_type.split("_")[0])(embedding_size, hidden_size, num_layers, **more)
        self.scores = nn.Linear(hidden_size, vocab_size)
        if tied:
            self.scores.weight = self.words.weight
        self.dropped = nn.Dropout(dropout)

    def forward(self, tokens, hidden):
        states, hidden = self.core(self.dropped(self.words(tokens)), hidden)
        return self.scores(self.dropped(states)), hidden

    def init_hidden(self, batch_size):
        shape = self.core.num_layers, batch_size, self.core.hidden_size
        zeros = [self.scores.weight.new_zeros(shape) for _ in range(2)]
        return tuple(zeros) if isinstance(self.core, nn.LSTM) else zeros[0]
