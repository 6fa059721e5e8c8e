"""The start of the command line, as ``placefix`` and as ``python -m placefix``.

The folder that Python puts first on the path is removed before anything else of Placefix is imported.
"""

import sys
from os.path import abspath, dirname  # loaded when Python starts; a pathlib.py of the user would be imported now


def main() -> None:
    """Run the command line; the entry point of the ``placefix`` script."""
    _leave_folder_of_start()
    from placefix.command_line import main as run_command_line  # noqa: PLC0415

    run_command_line()


def _leave_folder_of_start() -> None:
    """Remove the folder that Python has put first on the path: the current folder, or the folder of the script.

    A ``model.py`` or a ``queue.py`` in it, among the user's pictures, would be imported instead of ours. The folder
    stays if Placefix itself lies in it, as in a checkout that is not installed.
    """
    own = dirname(dirname(abspath(__file__)))  # noqa: PTH100, PTH120
    if not sys.flags.safe_path and abspath(sys.path[0]) != own:  # noqa: PTH100
        del sys.path[0]


if __name__ == "__main__":
    main()
