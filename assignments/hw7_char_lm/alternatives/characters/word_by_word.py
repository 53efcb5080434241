def characters(lines):
    return [" _ ".join(" ".join(word) for word in line.split()) for line in lines]
