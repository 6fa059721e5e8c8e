"""``placefix encode``: the features of some pictures, without a map."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from index_builder.errors import SourceError
from index_builder.sources.pictures import find_pictures
from model.errors import InvalidInput
from model.images import check_header
from model.preprocess import Preprocessing
from model.weights_cache import AUTO
from placefix.commands.options import (
    BatchSize,
    Device,
    InputSize,
    NetworkPrecisionOption,
    NumHeads,
    PreprocessingOption,
    Weights,
)
from placefix.commands.renamed_options import RenamingCommand
from placefix.console import error_console, output_console
from placefix.feature_file import write_features
from placefix.fresh_network import open_network
from placefix.picture_limits import read_picture_limits

app = typer.Typer(add_completion=False)


@app.command(cls=RenamingCommand)
def encode(
    pictures: Annotated[
        list[Path],
        typer.Argument(metavar="PICTURE|FOLDER", help="Pictures, or folders of pictures.", show_default=False),
    ],
    out: Annotated[Path, typer.Option(help="The .npz file to write.", show_default=False)],
    weights: Weights = AUTO,
    preprocess: PreprocessingOption = Preprocessing.ANTIALIAS,
    input_size: InputSize = None,
    num_heads: NumHeads = None,
    device: Device = "auto",
    network_precision: NetworkPrecisionOption = "float32",
    batch_size: BatchSize = 8,
) -> None:
    """Write the global and local features of pictures to a NumPy archive.

    It holds [bold]paths[/bold], [bold]global_features[/bold] (n, D) and [bold]local_features[/bold] (n, N, C).
    """
    if out.suffix != ".npz":
        raise InvalidInput(f"--out {out}: the file's name must end in .npz")
    if not out.parent.is_dir():
        raise InvalidInput(f"--out {out}: there is no folder {out.parent}; make it first")
    if out.is_dir():
        raise InvalidInput(f"--out {out}: this is a folder; give the name of a file")
    paths = expand_folders(pictures)
    limits = read_picture_limits()
    for path in paths:
        # A file that is not a picture is found now, and not after hours of encoding.
        check_header(path, limits, whole=preprocess.decodes_whole)
    network = open_network(
        weights,
        num_heads=num_heads,
        device=device,
        precision=network_precision,
        preprocessing=preprocess,
        input_size=input_size,
    )
    encoder = network.encoder
    if network.told is not None:
        error_console().print(network.told, soft_wrap=True)
    columns = (TextColumn("encoding"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=error_console()) as progress:
        task = progress.add_task("encoding", total=len(paths))
        write_features(
            paths,
            encoder,
            out,
            batch_size=batch_size,
            on_progress=lambda count: progress.advance(task, count),
            limits=limits,
        )
    cells = encoder.local_grid[0] * encoder.local_grid[1]
    output_console().print(
        f"{out}: {len(paths)} pictures, global features of {encoder.global_dim}, "
        f"{cells} local features of {encoder.local_dim} each",
        soft_wrap=True,
    )


def _tell_unreadable(folder: str, reason: str) -> None:
    error_console().print(f"{folder} is passed over: it cannot be listed: {reason}", soft_wrap=True)


def expand_folders(arguments: Sequence[Path]) -> list[Path]:
    """Return the given files, with each folder replaced by the pictures that ``placefix build`` would find in it.

    Raises:
        SourceError: A path does not exist, or a folder holds no picture.
    """
    paths: list[Path] = []
    for argument in arguments:
        if argument.is_dir():
            paths += [argument / inside for inside in find_pictures(argument, _tell_unreadable)]
        elif argument.is_file():
            paths.append(argument)
        else:
            raise SourceError(f"{argument}: this file or folder does not exist")
    return paths
