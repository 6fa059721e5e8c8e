"""The benchmarks: commands that print every figure of the documents, with shapes, dtype and hardware."""
