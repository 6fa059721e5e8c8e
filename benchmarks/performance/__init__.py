"""The tables of docs/performance.md, made from the files of the benchmarks."""
