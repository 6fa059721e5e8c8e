"""The cells of the tables: which network is trained how, and how many candidates are re-ranked."""

from dataclasses import dataclass, field, replace
from typing import Any

from model.training.config import TrainingConfig

PAPERS_LOSSES = {
    "global_loss": "triplet",
    "margin": 0.1,
    "local_margin": 0.0,
    "correspondence_weight": 0.0,
}


@dataclass(frozen=True)
class Cell:
    """One trained network.

    Attributes:
        name: Of its files.
        says: In words.
        seed: Of the training.
        network: Settings of the section ``[network]`` that differ from the demo's recipe.
        loss: Likewise of ``[loss]``.
        share: Of the recipe's epochs.
        is_trained: False for the backbone as it is.
        shortlist: Candidates that are re-ranked.
    """

    name: str
    says: str
    seed: int = 0
    network: dict[str, Any] = field(default_factory=dict)
    loss: dict[str, Any] = field(default_factory=dict)
    share: float = 1.0
    is_trained: bool = True
    shortlist: int = 100

    @property
    def file_name(self) -> str:
        """Of what is kept of it, without suffix."""
        return f"{self.name}-seed{self.seed}"

    def config(self, recipe: TrainingConfig) -> TrainingConfig:
        """The recipe with this cell's changes."""
        optimization = replace(
            recipe.optimization,
            seed=self.seed,
            epochs=max(1, round(recipe.optimization.epochs * self.share)),
        )
        return replace(
            recipe,
            network=replace(recipe.network, **self.network),
            loss=replace(recipe.loss, **self.loss),
            optimization=optimization,
        )


FROZEN = Cell("frozen", "backbone as it is, GeM", network={"local_features": "none"}, is_trained=False)
FROZEN_COARSE = Cell(
    "frozen-coarse",
    "backbone as it is, patch tokens re-ranked",
    network={"local_features": "coarse"},
    is_trained=False,
)
FULLY_TUNED = Cell(
    "fully-tuned",
    "backbone tuned, GeM",
    network={"adapters": "none", "adapter_ratio": None, "local_features": "none", "full_fine_tuning": True},
)
GLOBAL_ONLY = Cell("global", "global adaptation", network={"local_features": "none"})
LOCAL_ONLY = Cell("local", "local adaptation", network={"adapters": "none", "adapter_ratio": None})
SELAVPR = Cell("selavpr", "SelaVPR", shortlist=200)
SERIAL = Cell("serial", "serial adapter", network={"adapters": "serial"})
PARALLEL = Cell("parallel", "parallel adapter", network={"adapters": "parallel"})
NARROW = Cell("ratio-0.25", "ratio 0.25", network={"adapter_ratio": 0.25})
WIDE = Cell("ratio-1", "ratio 1", network={"adapter_ratio": 1.0})
CLASS_TOKEN = Cell("class-token", "class token", network={"global_pooling": "class_token"})
COARSE = Cell("coarse", "coarse 16 × 16", network={"local_features": "coarse"})
HALF = Cell("half", "half the triplets", share=0.5)
QUARTER = Cell("quarter", "a quarter of the triplets", share=0.25)
PAPER_LOSS = Cell("paper-losses", "SelaVPR with the paper's losses", loss=PAPERS_LOSSES)

SEEDS = (0, 1, 2)
MAIN = (FULLY_TUNED, GLOBAL_ONLY, LOCAL_ONLY, SELAVPR)
VARIANTS = (SERIAL, PARALLEL, NARROW, WIDE, CLASS_TOKEN, COARSE, HALF, QUARTER, PAPER_LOSS)


def all_cells() -> tuple[Cell, ...]:
    """Every cell: those of table 4 with three seeds, the others with one."""
    main = tuple(replace(cell, seed=seed) for seed in SEEDS for cell in MAIN)
    return (FROZEN, FROZEN_COARSE, *main, *VARIANTS)
