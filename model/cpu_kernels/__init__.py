"""Machine code for matching on a CPU, compiled at run time for the processor of the machine."""
