"""The method as a library: SelaVPR's network, its features, and how two pictures are compared.

Nothing here reads a map or speaks HTTP; torch, numpy and pillow are all that it needs.
"""
