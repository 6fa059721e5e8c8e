"""Families of networks with a global feature alone: for the shortlist, and for answers without re-ranking."""
