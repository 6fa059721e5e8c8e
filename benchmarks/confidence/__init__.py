"""Whether the first answer is right: how well distances and counts tell."""
