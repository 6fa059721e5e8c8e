"""The network in its fast form after training: folded, packed, and in one precision.

``model.selavpr`` is the definition, in the terms of the paper, and is trained. The classes here compute the same
features from the same weights faster; each file names its reference and the test that compares them.
"""
