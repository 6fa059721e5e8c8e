"""The description of a map: its extent, headings, dates and sizes."""
