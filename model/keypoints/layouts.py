"""The files in which SuperPoint and SuperGlue are published: of both together, and of each alone."""

import re

from torch import Tensor

from model.checkpoint_layout import CheckpointLayout, FileShapes
from model.keypoints.network import KeypointSizes
from model.keypoints.superglue import HEADS, LAYERS

_DETECTOR = "keypoint_detector."
_PARTS = (
    *((f"attention.self.{part}.", f"{part}.") for part in ("query", "key", "value")),
    ("attention.output.dense.", "merge."),
    ("mlp.", "mlp."),
)
_OWN_PARTS = (
    *((f"attn.proj.{number}.", f"{part}.") for number, part in enumerate(("query", "key", "value"))),
    ("attn.merge.", "merge."),
    ("mlp.0.", "mlp.0.linear."),
    ("mlp.1.", "mlp.0.batch_norm."),
    ("mlp.3.", "mlp.1."),
)
_PLACES = 4  # linear layers with a normalisation, in the encoding of places
_OUTSIDE = re.compile(r"matcher\.layers\.\d+\.(query|key|value)\.(weight|bias)")
_INSIDE = re.compile(r"matcher\.layers\.\d+\.merge\.weight")


def _read_sizes(shapes: FileShapes) -> KeypointSizes:
    return KeypointSizes(layers=shapes.count("matcher.layers.") or LAYERS)  # a file of SuperPoint has none


def _convert(name: str, tensor: Tensor) -> Tensor:
    """Return a tensor of Magic Leap's SuperGlue as it is here.

    Its linear layers are convolutions of width 1, and its heads of attention take turns along the channels, where
    channels of a head lie together here.
    """
    if not name.startswith("matcher."):
        return tensor
    if tensor.ndim == 3 and tensor.shape[2] == 1:
        tensor = tensor[:, :, 0]
    if _OUTSIDE.fullmatch(name) and tensor.ndim and tensor.shape[0] % HEADS == 0:
        return tensor.reshape(-1, HEADS, *tensor.shape[1:]).transpose(0, 1).reshape(tensor.shape)
    if _INSIDE.fullmatch(name) and tensor.ndim == 2 and tensor.shape[1] % HEADS == 0:
        return tensor.reshape(len(tensor), -1, HEADS).transpose(1, 2).reshape(tensor.shape)
    return tensor


LAYOUTS = (
    CheckpointLayout(
        title="SuperPoint and SuperGlue checkpoint in the layout of transformers",
        marks=("gnn.layers.", "keypoint_detector.", "bin_score"),
        prefixes=(
            (f"{_DETECTOR}encoder.conv_blocks.", "detector.blocks."),
            (f"{_DETECTOR}keypoint_decoder.conv_score_", "detector.score.conv_"),
            (f"{_DETECTOR}descriptor_decoder.conv_descriptor_", "detector.descriptor.conv_"),
            ("keypoint_encoder.encoder.", "matcher.place."),
            *(
                (f"gnn.layers.{number}.{theirs}", f"matcher.layers.{number}.{ours}")
                for number in range(LAYERS)
                for theirs, ours in _PARTS
            ),
            ("final_projection.final_proj.", "matcher.final."),
            ("bin_score", "matcher.bin_score"),
        ),
        read_config=_read_sizes,
    ),
    CheckpointLayout(
        title="SuperGlue checkpoint of Magic Leap",
        marks=("kenc.encoder.", "gnn.layers.", "bin_score"),
        prefixes=(
            *((f"kenc.encoder.{3 * number}.", f"matcher.place.{number}.linear.") for number in range(_PLACES)),
            *((f"kenc.encoder.{3 * number + 1}.", f"matcher.place.{number}.batch_norm.") for number in range(_PLACES)),
            (f"kenc.encoder.{3 * _PLACES}.", f"matcher.place.{_PLACES}."),
            *(
                (f"gnn.layers.{number}.{theirs}", f"matcher.layers.{number}.{ours}")
                for number in range(LAYERS)
                for theirs, ours in _OWN_PARTS
            ),
            ("final_proj.", "matcher.final."),
            ("bin_score", "matcher.bin_score"),
        ),
        read_config=_read_sizes,
        convert=_convert,
    ),
    CheckpointLayout(
        title="SuperPoint checkpoint of Magic Leap",
        marks=("conv1a.", "convPa.", "convDa."),
        prefixes=(
            *(
                (f"conv{block + 1}{half}.", f"detector.blocks.{block}.conv_{half}.")
                for block in range(4)
                for half in "ab"
            ),
            *((f"convP{half}.", f"detector.score.conv_{half}.") for half in "ab"),
            *((f"convD{half}.", f"detector.descriptor.conv_{half}.") for half in "ab"),
        ),
        read_config=_read_sizes,
    ),
)
"""The layouts of published files. Each has whole parts of ``KeypointParts``: ``detector``, ``matcher`` or both."""
