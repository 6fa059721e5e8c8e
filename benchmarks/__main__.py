"""``python -m benchmarks NAME``: runs one benchmark and prints its figures with shapes, dtype and hardware."""

import typer

from benchmarks.matching import matching

app = typer.Typer(help="Benchmarks; each prints a ratio against a plain reference, in one run.", no_args_is_help=True)
app.command()(matching)


@app.callback()
def _benchmarks() -> None:
    pass


if __name__ == "__main__":
    app()
