"""The cells of the tables: the network, its training, and the number of re-ranked candidates.

The demo's network learns in two stages (``demo/adapt.toml``, ``demo/localize.toml``): first its global feature, then
the local ones. Cells with the same first stage share its training.
"""

from dataclasses import dataclass, field, replace
from typing import Any

from model.training.config import TrainingConfig

PAPERS_LOSSES = {"global_loss": "triplet", "margin": 0.1, "local_margin": 0.0, "correspondence_weight": 0.0}


@dataclass(frozen=True)
class Cell:
    """Describe one trained network.

    Attributes:
        name: The name of its files.
        says: The description for people.
        seed: The seed of its trainings.
        first: Settings of ``[network]`` in which the first stage differs from its recipe; None: there is no first
            stage.
        first_name: The name of the folder of that training, if cells share it; by default the cell's name.
        second: Whether there is a second stage.
        loss: Settings of ``[loss]`` in which the first stage differs from its recipe.
        share: The share of the recipes' queries.
        second_steps: Settings of ``[optimization]`` in which the second stage differs from its recipe.
        bare: Settings of ``[network]`` of a cell without a first stage.
        coarse: Whether its local features are the patch tokens.
        shortlist: Candidates that are re-ranked.
    """

    name: str
    says: str
    seed: int = 0
    first: dict[str, Any] | None = None
    first_name: str | None = None
    second: bool = False
    loss: dict[str, Any] = field(default_factory=dict)
    share: float = 1.0
    second_steps: dict[str, Any] = field(default_factory=dict)
    bare: dict[str, Any] = field(default_factory=dict)
    coarse: bool = False
    shortlist: int = 100

    @property
    def file_name(self) -> str:
        """Return the name of its files, without suffix."""
        return f"{self.name}-seed{self.seed}"

    @property
    def first_run(self) -> str:
        """Return the name of the folder of the first stage."""
        return f"{self.first_name or self.name}-first-seed{self.seed}"

    @property
    def second_run(self) -> str:
        """Return the name of the folder of the second stage."""
        return f"{self.name}-second-seed{self.seed}"

    def first_stage(self, recipe: TrainingConfig) -> TrainingConfig:
        """Return the recipe of the first stage with this cell's changes."""
        changed = self._with_share(recipe)
        return replace(
            changed,
            network=replace(recipe.network, **(self.first or {})),
            loss=replace(recipe.loss, **self.loss),
        )

    def second_stage(self, recipe: TrainingConfig) -> TrainingConfig:
        """Return the recipe of the second stage; around a bare backbone it also states that there are no adapters."""
        changed = self._with_share(recipe)
        return replace(
            changed,
            network=replace(recipe.network, **self.bare),
            optimization=replace(changed.optimization, **self.second_steps),
        )

    def _with_share(self, recipe: TrainingConfig) -> TrainingConfig:
        mining = recipe.mining
        queries = max(recipe.optimization.queries_per_step, round(mining.queries_per_epoch * self.share))
        return replace(
            recipe,
            mining=replace(mining, queries_per_epoch=queries, refresh_every=min(mining.refresh_every, queries)),
            optimization=replace(recipe.optimization, seed=self.seed),
        )


_TWO_STAGES: dict[str, Any] = {"first": {}, "first_name": "global", "second": True}
_NO_ADAPTERS: dict[str, Any] = {"adapters": "none", "adapter_ratio": None}

FROZEN = Cell("frozen", "backbone as it is, GeM")
FROZEN_COARSE = Cell("frozen-coarse", "backbone as it is, patch tokens re-ranked", coarse=True)
FULLY_TUNED = Cell("fully-tuned", "backbone tuned, GeM", first=_NO_ADAPTERS | {"full_fine_tuning": True})
GLOBAL_ONLY = Cell("global", "global adaptation", first={}, first_name="global")
LOCAL_ONLY = Cell("local", "local adaptation", second=True, bare=_NO_ADAPTERS)
SELAVPR = Cell("selavpr", "both: SelaVPR", **_TWO_STAGES, shortlist=200)
SERIAL = Cell("serial", "serial adapter", first={"adapters": "serial"}, second=True)
PARALLEL = Cell("parallel", "parallel adapter", first={"adapters": "parallel"}, second=True)
NARROW = Cell("ratio-0.25", "ratio 0.25", first={"adapter_ratio": 0.25}, second=True)
WIDE = Cell("ratio-1", "ratio 1", first={"adapter_ratio": 1.0}, second=True)
CLASS_TOKEN = Cell("class-token", "class token", first={"global_pooling": "class_token"}, second=True)
COARSE = Cell("coarse", "coarse 16 × 16", first={}, first_name="global", coarse=True)
HALF = Cell("half", "half the triplets", first={}, second=True, share=0.5)
QUARTER = Cell("quarter", "a quarter of the triplets", first={}, second=True, share=0.25)
STEEP = Cell(
    "steep",
    "local features, ten times the rate",
    **_TWO_STAGES,
    second_steps={"learning_rate": 1e-4, "epochs": 2},
)
PAPER_LOSS = Cell(
    "paper-losses",
    "both at once, with the paper's losses",
    first={"local_features": "dense"},
    loss=PAPERS_LOSSES,
)

SEEDS = (0, 1, 2)
MAIN = (FULLY_TUNED, GLOBAL_ONLY, LOCAL_ONLY, SELAVPR)
VARIANTS = (SERIAL, PARALLEL, NARROW, WIDE, CLASS_TOKEN, COARSE, HALF, QUARTER, PAPER_LOSS)


def all_cells() -> tuple[Cell, ...]:
    """Return every cell: three seeds for table 4, one for the others."""
    main = tuple(replace(cell, seed=seed) for seed in SEEDS for cell in MAIN)
    steep = tuple(replace(STEEP, seed=seed) for seed in SEEDS[:2])
    return (FROZEN, FROZEN_COARSE, *main, *VARIANTS, *steep)
