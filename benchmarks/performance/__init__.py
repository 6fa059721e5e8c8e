"""The tables of docs/book/performance.md, made from the files of the benchmarks."""
