"""Answer requests: one file for each kind of resource."""
