"""Options that several commands share: one name, one help text, one meaning."""

from typing import Annotated

import typer

from model.device import DeviceName
from model.preprocess import Preprocessing

Weights = Annotated[
    str,
    typer.Option(
        envvar="PLACEFIX_WEIGHTS",
        help="The network: a checkpoint file, or a name that `placefix weights` knows.",
        show_default=False,
    ),
]
OptionalWeights = Annotated[
    str | None,
    typer.Option(
        envvar="PLACEFIX_WEIGHTS",
        help="The network, if it is no longer where the map was built from: a checkpoint file or a known name.",
        show_default=False,
    ),
]
NumHeads = Annotated[
    int | None,
    typer.Option(
        min=1, help="Attention heads of the network, where they are not width / 64 and the file does not say."
    ),
]
Device = Annotated[DeviceName, typer.Option(help="Where the network lives: auto takes a GPU if there is one.")]
PreprocessingOption = Annotated[
    Preprocessing,
    typer.Option(
        "--preprocess",
        help="How pictures are resized: antialias, or official-eval to reproduce published recalls.",
    ),
]
BatchSize = Annotated[int, typer.Option(min=1, help="Pictures in one forward pass.")]
