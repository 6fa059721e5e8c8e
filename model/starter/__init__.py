"""The starter: features for photographs from an EfficientNet-Lite that learned to name what is in them (ImageNet)."""
