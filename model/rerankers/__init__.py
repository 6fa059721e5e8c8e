"""Re-rankers: the ways in which the local features of a query and of candidates are compared."""
