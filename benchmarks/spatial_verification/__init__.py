"""Re-ranking by the count of mutual matches against re-ranking by RANSAC over the same matches (paper, table 3)."""
