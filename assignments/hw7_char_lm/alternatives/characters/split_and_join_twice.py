def characters(lines):
    return tuple(" ".join("_".join(line.split())) for line in lines)
