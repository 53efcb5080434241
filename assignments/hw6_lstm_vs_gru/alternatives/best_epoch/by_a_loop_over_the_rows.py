def best_epoch(history):
    best, lowest = None, float("inf")
    for epoch, value in zip(history["epoch"].tolist(), history["validation"].tolist()):
        if value < lowest:
            best, lowest = epoch, value
    return best
