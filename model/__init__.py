"""The method as a library: SelaVPR's network, its features, and the comparison of two pictures.

This package does not read maps and does not use HTTP; it needs only torch, numpy and pillow.
"""
