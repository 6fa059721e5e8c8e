"""The map on disk: its format, its writer and its reader."""
