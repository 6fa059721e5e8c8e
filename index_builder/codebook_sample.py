"""The sample of local features from which the codebook of a map is learned, before its first segment is encoded."""

from collections.abc import Generator, Iterable, Sequence
from contextlib import closing
from itertools import islice

import numpy as np
import torch
from torch import Tensor

from index_builder.build_options import BuildOptions
from index_builder.encoding import PictureBatch, encode_batches
from model.encoder import Encoder
from model.places import Place
from model.progress import SILENT, Progress
from place_map.block_codes import cut_blocks
from place_map.code_learning import largest_side, learn_codes
from place_map.codebook_entry import CodebookEntry
from place_map.local_codec import LEARNED, LocalCodec
from place_map.manifest import FeatureShapes

SAMPLE_PICTURES = 128
_NUMBERS_A_PICTURE = 2**18  # half of the blocks of 61 × 61 × 128 numbers; a sample has 134 MB then
_SEED = 0


def encoded_sample(
    places: Sequence[Place], encoder: Encoder, options: BuildOptions, progress: Progress
) -> Generator[Tensor, None, None]:
    """Encode pictures in the order of a sample; pictures that cannot be read are passed over, the build rejects them.

    Args:
        places: All pictures that will be encoded.
        encoder: The network.
        options: The batch size, and the limits on pictures.
        progress: The display.

    Yields:
        The local features of a picture, ``(N, C)`` float32 on the CPU.
    """
    count = min(SAMPLE_PICTURES, len(places))
    progress.message(f"learning the codes of local features from {count:,} of {len(places):,} pictures")
    progress.started(count, 0)
    order, size = sample_order(len(places)), options.batch_size
    batches = (
        PictureBatch(1, tuple(places[number] for number in order[start : start + size]), is_last=False)
        for start in range(0, len(order), size)
    )
    exact = LocalCodec("float32", encoder.local_dim)
    encoded = encode_batches(batches, encoder, thumbnails=False, codec=exact, limits=options.limits)
    with closing(encoded):
        for batch in encoded:
            for features in torch.from_numpy(batch.local_features):
                yield features
                progress.advanced(1)


def sample_order(count: int) -> list[int]:
    """Return the numbers of ``count`` pictures in the order in which they are taken into a sample."""
    order: list[int] = np.random.default_rng(_SEED).permutation(count).tolist()
    return order


def with_codebook(shapes: FeatureShapes, pictures: Iterable[Tensor], progress: Progress = SILENT) -> FeatureShapes:
    """Return shapes with a codebook, if their store learns one.

    Args:
        shapes: The shapes of a map that has no codebook yet.
        pictures: The local features of pictures, ``(N, C)`` float32 on the CPU, in the order of a sample. They are read
            until there are enough. Without any, there is nothing that the codebook is for.
        progress: The display.

    Raises:
        InvalidInput: The features have too many channels.
    """
    if not shapes.needs_codebook:
        return shapes
    assert shapes.local_store is not None  # noqa: S101  (a store that learns has a name)
    random, grid, channels = np.random.default_rng(_SEED), shapes.local_grid, shapes.local_dim
    side = largest_side(grid, channels)
    parts = [torch.empty(0, side**2, channels)]
    for features in islice(pictures, SAMPLE_PICTURES if channels else 0):
        blocks = cut_blocks(features, grid, side)
        some = random.permutation(len(blocks))[: _NUMBERS_A_PICTURE // (side**2 * channels)]
        parts.append(blocks[torch.from_numpy(some)])
    learned = learn_codes(torch.cat(parts), grid, LEARNED[shapes.local_store], progress)
    progress.message(f"features and their codes have a cosine of {learned.cosine:.3f} on average")
    return shapes.model_copy(update={"local_codebook": CodebookEntry.of(learned)})
