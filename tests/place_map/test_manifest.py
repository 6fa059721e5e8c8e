import json
from pathlib import Path
from typing import Any

import pytest

from model.preprocess import Preprocessing
from place_map.current import Current
from place_map.errors import MapCorrupt, MapVersionUnsupported
from place_map.manifest import FORMAT_VERSION, Manifest
from place_map.manifest_parsing import parse_manifest

PATH = Path("maps/town/versions/000001/manifest.json")
SUM = {"bytes": 10, "sha256": "ab" * 32}


def valid() -> dict[str, Any]:
    files = {"places.parquet": SUM, "globals.npy": SUM, "locals.npy": SUM}
    packed = {"bytes": 9, "sha256": "ef" * 32}
    return {
        "format": "placefix-map",
        "format_version": 1,
        "version": "000001",
        "created_at": "2026-11-23T10:00:00+00:00",
        "created_by": {"placefix": "0.1.0"},
        "source": {"kind": "csv", "path": "/photos.csv"},
        "network": {"fingerprint": "cd" * 32, "is_trained": True, "config": {"depth": 24}, "weights_path": None},
        "preprocessing": "antialias",
        "features": {"global_dim": 1024, "local_grid": [61, 61], "local_dim": 128, "dtype": "float16"},
        "counts": {"placed": 5, "skipped": 1, "rejected": 0},
        "index": {"factory": "Flat", "metric": "l2", "file": SUM},
        "left_out": SUM,
        "segments": [
            {
                "id": "000001",
                "rows": 4,
                "dead_rows": [0, 2],
                "files": files | {"thumbnails.mjpeg": packed},
                "thumbnails": {"count": 4, "bytes": 9},
            },
            {"id": "000003", "rows": 3, "dead_rows": [], "files": files, "thumbnails": {"count": 0, "bytes": 0}},
        ],
    }


def parse(values: object) -> Manifest:
    return parse_manifest(json.dumps(values).encode(), PATH)


def test_what_is_written_is_read() -> None:
    manifest = parse(valid())
    assert parse_manifest(manifest.to_json(), PATH) == manifest
    assert manifest.preprocessing is Preprocessing.ANTIALIAS_WHOLE
    assert [segment.live_rows for segment in manifest.segments] == [2, 3]
    assert manifest.features.bytes_per_picture == 2 * (1024 + 3721 * 128) == 954_624
    assert manifest.total_bytes == 8 * 10 + 9
    assert manifest.segments[0].loose_thumbnail_bytes == 0
    assert set(manifest.files) == {
        "versions/000001/index.faiss",
        "versions/000001/left_out.csv",
        *(
            f"segments/{number}/{name}.{kind}"
            for number in ("000001", "000003")
            for name, kind in (("places", "parquet"), ("globals", "npy"), ("locals", "npy"))
        ),
        "segments/000001/thumbnails.mjpeg",
    }


def test_thumbnails_with_a_file_each_are_counted_once_too() -> None:
    files = valid()["segments"][1]["files"]
    manifest = parse(changed("segments.0.files", files))
    assert manifest.total_bytes == 8 * 10 + 9
    assert manifest.segments[0].loose_thumbnail_bytes == 9
    assert not any("thumbnails" in name for name in manifest.files)


@pytest.mark.parametrize("format_version", [1, 2, 3])
def test_maps_of_earlier_formats_have_nothing_decoded_at_a_fraction(format_version: int) -> None:
    old = valid() | {"format_version": format_version}
    if format_version == 3:
        old["sources"] = [old.pop("source")]
    assert parse(old).preprocessing is Preprocessing.ANTIALIAS_WHOLE
    assert parse(old).preprocessing.decodes_whole
    assert parse(old | {"preprocessing": "official-eval"}).preprocessing is Preprocessing.OFFICIAL_EVAL
    new = valid() | {"format_version": 4, "sources": [old.get("source") or old["sources"][0]]}
    del new["source"]
    assert parse(new).preprocessing is Preprocessing.ANTIALIAS
    assert not parse(new).preprocessing.decodes_whole


def test_a_map_that_does_not_say_in_what_it_was_encoded_was_encoded_in_float32() -> None:
    assert parse(valid()).network.precision == "float32"
    assert parse(changed("network.precision", "bfloat16")).network.precision == "bfloat16"
    with pytest.raises(MapCorrupt, match=r"network\.precision"):
        parse(changed("network.precision", "float64"))


def changed(path: str, value: object) -> dict[str, Any]:
    values: dict[str, Any] = json.loads(json.dumps(valid()))
    *parents, last = path.split(".")
    target: Any = values
    for key in parents:
        target = target[int(key)] if isinstance(target, list) else target[key]
    if value is KeyError:
        del target[last]
    else:
        target[last] = value
    return values


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("counts.placed", 6),
        ("counts.placed", "5"),
        ("counts.placed", 5.0),
        ("counts.skipped", -1),
        ("counts", KeyError),
        ("unknown", 1),
        ("network.fingerprint", "XY" * 32),
        ("network.is_trained", 1),
        ("preprocessing", "other"),
        ("features.dtype", "bfloat16"),
        ("features.local_grid", [61]),
        ("features.global_dim", 0),
        ("index.metric", "ip"),
        ("index.file", None),
        ("index.codes", {"number": "000001", "pictures": 5, "codebook": SUM, "segments": {"000001": SUM}}),
        ("segments", []),
        ("segments.0.rows", 0),
        ("segments.0.dead_rows", [2, 0]),
        ("segments.0.dead_rows", [0, 4]),
        ("segments.0.dead_rows", [0, 0]),
        ("segments.1.id", "000001"),
        ("segments.1.id", "../../etc"),
        ("segments.0.files.locals.npy", KeyError),
        ("segments.0.thumbnails.count", 5),
        ("segments.0.thumbnails.bytes", 8),
        ("version", "1"),
        ("created_at", "yesterday"),
        ("left_out.sha256", "ab"),
        ("format", "other"),
    ],
)
def test_whatever_is_not_right_is_refused_by_name(path: str, value: object) -> None:
    if path.endswith("locals.npy"):  # its key holds a dot
        values = valid()
        values["segments"][0]["files"] = {"places.parquet": SUM, "globals.npy": SUM}
    else:
        values = changed(path, value)
    with pytest.raises(MapCorrupt, match=r"manifest\.json"):
        parse(values)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"null", b'"placefix-map"', b"\xff\xfe"])
def test_other_content_is_refused(content: bytes) -> None:
    with pytest.raises(MapCorrupt):
        parse_manifest(content, PATH)


def test_a_newer_format_is_told_before_its_unknown_fields() -> None:
    with pytest.raises(MapVersionUnsupported, match="update Placefix"):
        parse(valid() | {"format_version": FORMAT_VERSION + 1, "shards": []})


def test_current_is_a_line_of_sha256sum() -> None:
    current = Current.to_manifest(parse(valid()))
    line = current.to_bytes().decode()
    assert line == f"{current.manifest_sha256}  versions/000001/manifest.json\n"
    assert Current.parse(line.encode(), PATH) == current


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"000001\n",
        b"ab" * 32 + b"  versions/000001/manifest.json",
        b"ab" * 32 + b"  versions/../../manifest.json\n",
        b"ab" * 32 + b" *versions/000001/manifest.json\n",
        b"AB" * 32 + b"  versions/000001/manifest.json\n",
        b"ab" * 32 + b"  versions/000001/manifest.json\n\n",
        b"\xff" * 90,
    ],
)
def test_any_other_pointer_is_refused(content: bytes) -> None:
    with pytest.raises(MapCorrupt, match="does not name a version"):
        Current.parse(content, PATH)
