"""Pictures are encoded side by side, each on one core, and leave nothing of that behind."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from index_builder import encoding
from index_builder.encoding import EncodedBatch, PictureBatch, encode_batches
from index_builder.picture_files import decode_picture
from model.encoder import Encoder
from model.images import open_image
from model.preprocess import preprocess
from place_map.local_codec import LocalCodec, StoreType
from tests.index_builder.map_factory import photo_listing

_STEP: dict[StoreType, float] = {"float16": 1e-3, "int8": 1}  # two processors or thread counts may round differently


def test_threads_use_one_core_and_everybody_else_as_many_as_before(
    tmp_path: Path, tiny_encoder: Encoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = torch.get_num_threads()
    seen: list[int] = []
    decoded: list[torch.Tensor] = []

    def observed(*arguments: object, **options: object) -> object:
        seen.append(torch.get_num_threads())
        result = decode_picture(*arguments, **options)  # type: ignore[arg-type]
        decoded.append(result.pixels)  # type: ignore[union-attr]
        return result

    monkeypatch.setattr(encoding, "decode_picture", observed)
    places = photo_listing(tmp_path, 6).places
    during = []
    torch.set_num_threads(2)
    try:
        for _ in encode_batches(
            [PictureBatch(1, places[:3], False), PictureBatch(1, places[3:], True)],
            tiny_encoder,
            thumbnails=False,
            codec=LocalCodec("float16", tiny_encoder.local_dim),
        ):
            during.append(torch.get_num_threads())
        with ThreadPoolExecutor(1) as other:
            assert other.submit(torch.get_num_threads).result() == 2
        alone = {preprocess(open_image(place.path)).numpy().tobytes() for place in places}
    finally:
        torch.set_num_threads(before)
    assert seen == [1] * 6
    assert during == [2, 2]
    assert {pixels.numpy().tobytes() for pixels in decoded} == alone  # the same to the last bit


@pytest.mark.parametrize("store", ["float16", "int8"])
def test_pictures_are_encoded_side_by_side_as_in_batches(
    tmp_path: Path, tiny_encoder: Encoder, store: StoreType
) -> None:
    places = photo_listing(tmp_path, 7).places
    broken = replace(places[0], id="text.jpg", path=tmp_path / "text.jpg")
    broken.path.write_text("not a picture")
    batches = [PictureBatch(1, (*places[:2], broken, places[2]), False), PictureBatch(1, places[3:], True)]
    codec = LocalCodec(store, tiny_encoder.local_dim)

    def encode(**how: Any) -> list[EncodedBatch]:
        return list(encode_batches(batches, tiny_encoder, thumbnails=True, codec=codec, **how))

    plain = encode(together=True)
    assert [[picture.place.id for picture in batch.rejected] for batch in plain] == [["text.jpg"], []]
    for threads in (1, 2, 3):
        for batch, expected in zip(encode(threads=threads), plain, strict=True):
            assert (batch.pictures, batch.rejected, batch.stamps) == (
                expected.pictures,
                expected.rejected,
                expected.stamps,
            )
            np.testing.assert_allclose(batch.global_features, expected.global_features, atol=1e-3)
            np.testing.assert_allclose(batch.local_features.astype(float), expected.local_features, atol=_STEP[store])
