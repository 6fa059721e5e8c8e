"""Families of networks with only a global feature, for the shortlist and for answers without re-ranking."""
