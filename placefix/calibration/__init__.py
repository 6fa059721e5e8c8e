"""What the evidence for an answer means on one map: asked, fitted and kept."""
