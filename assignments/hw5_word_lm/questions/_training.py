"""The questions that trained weights build on."""

TRAINED = (
    "build_vocabulary",
    "encode",
    "batchify",
    "get_batch",
    "repackage_hidden",
    "WordLM",
    "perplexity",
    "clip_by_norm",
    "train_epoch",
)
