"""Machine code for matching on a CPU, made while the program runs, for the processor that it runs on."""
