"""``python -m benchmarks NAME``: run one benchmark and print its figures with shapes, dtype and hardware."""

import typer

from benchmarks.ablations.command import app as ablations
from benchmarks.building.command import build
from benchmarks.cells.command import cells
from benchmarks.cluster_build import cluster_build
from benchmarks.confidence.command import calibration
from benchmarks.encoding.command import encode
from benchmarks.encoding.recall import encode_recall
from benchmarks.every import run_all
from benchmarks.gardenspoint import gardenspoint
from benchmarks.gather import gather
from benchmarks.gpu.command import gpu
from benchmarks.gpu.wheels import gpu_wheels
from benchmarks.growth.command import growth
from benchmarks.large_map.command import large_map
from benchmarks.learning import learn
from benchmarks.load.command import load
from benchmarks.load.trials import endurance, overload
from benchmarks.match import match
from benchmarks.matching_floor import floor
from benchmarks.outliers import outliers
from benchmarks.page.command import page
from benchmarks.performance.command import performance
from benchmarks.photographs import photographs
from benchmarks.query.command import query
from benchmarks.sharded_query import sharded_query
from benchmarks.shortlist.command import shortlist
from benchmarks.spatial_verification.command import spatial_verification
from benchmarks.starter import starter
from benchmarks.store.command import store
from benchmarks.systems.command import systems
from benchmarks.thumbnail import thumbnail
from benchmarks.together import together
from placefix.console import run

app = typer.Typer(help="Benchmarks; each prints a ratio against a plain reference, in one run.", no_args_is_help=True)
app.command()(query)
app.command()(sharded_query)
app.command()(match)
app.command()(store)
app.command()(cells)
app.command()(gather)
app.command()(shortlist)
app.command()(build)
app.command()(cluster_build)
app.command()(growth)
app.command()(large_map)
app.command()(encode)
app.command()(learn)
app.command()(load)
app.command()(overload)
app.command()(endurance)
app.command()(encode_recall)
app.command()(thumbnail)
app.command()(calibration)
app.command()(spatial_verification)
app.command()(floor)
app.command()(gardenspoint)
app.command()(photographs)
app.command()(together)
app.command()(starter)
app.command()(outliers)
app.command()(systems)
app.command()(page)
app.command()(gpu)
app.command()(gpu_wheels)
app.add_typer(ablations, name="ablations")
app.command("all")(run_all)
app.command()(performance)


@app.callback()
def _benchmarks() -> None:
    pass


if __name__ == "__main__":
    run(app)
