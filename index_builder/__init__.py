"""The offline part: it turns geotagged pictures into a map."""
