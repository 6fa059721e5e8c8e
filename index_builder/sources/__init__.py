"""Readers of picture collections, one for each kind."""
