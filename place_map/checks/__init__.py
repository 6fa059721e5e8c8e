"""The checks that verify a map."""
