def best_epoch(history):
    return int(history.sort_values(["validation", "epoch"], na_position="last")["epoch"].iloc[0])
