def count_gru_parameters(input_size, hidden_size, bias):
    if bias == "one":
        vectors = ["b"]
    elif bias == "two":
        vectors = ["b_ih", "b_hh"]
    else:
        raise ValueError(f"bias was {bias}")
    if not (input_size >= 1 and hidden_size >= 1):
        raise ValueError(f"sizes were {(input_size, hidden_size)}")
    total = 0
    for _ in ("update", "reset", "candidate"):
        total += input_size * hidden_size + hidden_size**2
        for _ in vectors:
            total += hidden_size
    return total
