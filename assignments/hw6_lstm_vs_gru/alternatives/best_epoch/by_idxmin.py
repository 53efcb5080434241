def best_epoch(history):
    finite = history.dropna(subset=["validation"])
    return finite.loc[finite["validation"].idxmin(), "epoch"]
