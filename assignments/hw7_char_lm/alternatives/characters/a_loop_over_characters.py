def characters(lines):
    spelled = []
    for line in lines:
        found = []
        for character in line.strip():
            found.append("_" if character == " " else character)
        spelled.append(" ".join(found))
    return spelled
