def count_parameters(model):
    seen = {}
    for module in model.modules():
        for tensor in module.parameters(recurse=False):
            if tensor.requires_grad:
                seen[id(tensor)] = tensor.numel()
    return sum(seen.values())
