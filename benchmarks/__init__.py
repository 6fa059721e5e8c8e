"""Every figure that the documents state is printed by a command here, with shapes, dtype and hardware."""
