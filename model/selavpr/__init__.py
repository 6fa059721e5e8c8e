"""The network: a frozen DINOv2 backbone with adapters, a global pooling and a local adaptation."""
