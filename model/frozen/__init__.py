"""The network as it computes once its weights do not change any more: folded, packed, and in one precision.

``model.selavpr`` is the definition, in the words of the paper, and what is trained. What is here gives the same
features from the same weights, faster; each file says at its top what it is held to, and by which test.
"""
