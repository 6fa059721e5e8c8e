"""What each way of storing local features costs and keeps: bytes, recall, counts, order and time."""
