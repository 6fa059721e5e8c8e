"""The tables of docs/performance.md, from the files that the benchmarks write."""
