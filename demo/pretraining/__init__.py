"""The pre-training of the demo's backbone: ordinary contrastive training on fair weather, before SelaVPR adapts it."""
