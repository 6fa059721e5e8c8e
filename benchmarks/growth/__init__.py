"""Growing and shrinking a map against building it: seconds, pictures that are encoded, and bytes that are written."""
