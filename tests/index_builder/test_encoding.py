"""Decoders keep to one core each, and leave nothing of that behind."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import torch

from index_builder import encoding
from index_builder.encoding import PictureBatch, encode_batches
from index_builder.picture_files import decode_picture
from model.encoder import Encoder
from model.images import open_image
from model.preprocess import preprocess
from place_map.local_codec import LocalCodec
from tests.index_builder.map_factory import photo_listing


def test_decoders_use_one_thread_and_everybody_else_as_many_as_before(
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
