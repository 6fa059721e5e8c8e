"""Files that hold a network: the layouts that are read, and the one that is written."""
