"""Every system of the paper side by side: recall, time, bytes and memory on the same pictures."""
