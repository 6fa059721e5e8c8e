"""Pre-training of the demo's backbone: an ordinary contrastive training on fair weather, before SelaVPR adapts it."""
