"""Backbones that several families of networks share: from a picture to a map of features."""
