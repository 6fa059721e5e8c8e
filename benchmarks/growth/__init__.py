"""Growing and shrinking a map against building it: seconds, encoded pictures, and written bytes."""
