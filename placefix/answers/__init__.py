"""Questions about many photos, and the files of their answers."""
