"""The starter: features of photographs from an EfficientNet-Lite that was trained to classify them (ImageNet)."""
