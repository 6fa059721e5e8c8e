"""docs/map_format.md describes the files on the disk, and its example runs."""

import json
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn.functional import normalize

from index_builder.build import build_map
from model.codes import as_features
from model.encoder import Encoder
from place_map.global_index import open_searcher
from place_map.local_codec import LEARNED, STORES, StoreType
from place_map.place_file import read_places
from place_map.reader import PlaceMap
from tests.index_builder.map_factory import SMALL, build_small, photo_listing

DOCUMENT = Path(__file__).parents[2] / "docs" / "map_format.md"


@pytest.mark.parametrize("store", STORES)
def test_the_example_finds_what_the_searcher_finds(tmp_path: Path, tiny_encoder: Encoder, store: StoreType) -> None:
    listing = photo_listing(tmp_path / "photos", 7)
    build_map(listing, tiny_encoder, tmp_path / "maps" / "town", replace(SMALL, store=store))
    [program] = re.findall(r"```python\n(.*?)```", DOCUMENT.read_text(encoding="utf-8"), re.DOTALL)
    program += "np.save('local.npy', local_features)\npathlib.Path('thumbnail.jpg').write_bytes(thumbnail)\n"
    finished = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert "import index_builder" not in program
    with PlaceMap.open(tmp_path / "maps" / "town") as place_map:
        first = torch.from_numpy(place_map.global_features(np.array([0])))
        rows = open_searcher(place_map, "cpu").search(first, 5).rows[0]
        expected = [place_map.places[row].id for row in rows]
        restored = as_features(place_map.local_features(np.array([0])))
        local_features = normalize(restored[0], dim=-1).numpy()
        assert (tmp_path / "thumbnail.jpg").read_bytes() == place_map.thumbnail(3)  # the last one of the first segment
    assert [line.split()[0] for line in finished.stdout.splitlines()] == expected
    # The reader has rounded them meanwhile: to float16, and learned codes to a 127th of a feature's largest number.
    error = np.abs(local_features).max() / 127 if store in LEARNED else 1e-6
    np.testing.assert_allclose(np.load(tmp_path / "local.npy"), local_features, rtol=2e-3, atol=error)


def test_every_key_and_column_is_described(tmp_path: Path, tiny_encoder: Encoder) -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    map_path = build_small(tmp_path, tiny_encoder, count=1).map_path
    manifest = json.loads((map_path / "versions/000001/manifest.json").read_text())

    def keys(values: dict[str, object], prefix: str) -> list[str]:
        found = []
        for key, value in values.items():
            if isinstance(value, dict) and prefix + key in ("source", "network", "features", "counts", "index"):
                found += keys(value, f"{prefix}{key}.")
            else:
                found.append(prefix + key)
        return found

    names = keys({key: value for key, value in manifest.items() if key != "segments"}, "")
    names += [f"segments[].{key}" for key in manifest["segments"][0]]
    for name in names:
        assert f"`{name}`" in text, name
    table = read_places(map_path / "segments/000001/places.parquet", 1)
    for column in table.schema.names:
        assert f"`{column}`" in text, column
