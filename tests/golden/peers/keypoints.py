"""Compare the results of SuperPoint and SuperGlue with the recorded numbers."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch

from model.keypoints.layouts import LAYOUTS
from model.keypoints.network import KeypointParts
from model.weight_files.assembly import assemble_keypoint_parts
from model.weight_files.layouts import interpret
from tests.golden.peers.formula import make_pairs
from tests.golden.peers.networks import Difference, Size
from tests.golden.peers.recordings import Recording, cut

_MOST, _ROUNDS = 256, 20
_SCORES, _DESCRIPTORS, _MATCHES = 1e-5, 1e-5, 1e-4


def make_superglue(recording: Recording, folder: Path) -> KeypointParts:
    """Return the networks of the recording, read from a file with the names of the reference."""
    file = folder / "superglue.pth"
    torch.save({name: torch.from_numpy(tensor) for name, tensor in recording.weights().items()}, file)
    parts = assemble_keypoint_parts(interpret(torch.load(file), file))
    parts.detector.last_border, parts.matcher.rounds = 0, _ROUNDS  # as the reference has it
    assert str(LAYOUTS[0]) == "SuperPoint and SuperGlue checkpoint in the layout of transformers"
    return parts


def keypoint_differences(recording: Recording, parts: KeypointParts, sizes: tuple[Size, ...]) -> Iterator[Difference]:
    """Compare keypoints and matches at some sizes of pictures; a place or a match that differs counts as 1."""
    for size in sizes:
        pictures = torch.from_numpy(make_pairs(recording.seed, *size, channels=1, gain=0.12, offset=0.5))[:, 0]
        with torch.inference_mode():
            query, *candidates = found = [parts.detector(picture, _MOST) for picture in pictures]
            matches = [parts.matcher(query, each, least_score=0.0) for each in candidates]
        places, scores, descriptors = (
            torch.stack([getattr(each, name) for each in found]).numpy() for name in ("places", "scores", "descriptors")
        )

        def away(name: str, values: np.ndarray, size: Size = size) -> float:
            return recording.difference(f"{name}_{size[0]}x{size[1]}", values)

        recorded = recording.arrays[f"keypoints_xy_{size[0]}x{size[1]}"]
        yield Difference("places", size, float(np.abs(recorded - places).max()), 1e-4)  # the reference scales them
        yield Difference("scores", size, away("keypoint_scores", scores), _SCORES)
        yield Difference("descriptors", size, away("keypoint_descriptors", descriptors), _DESCRIPTORS)
        for name, match in zip("ABCD", matches, strict=True):
            forth = np.full(_MOST, -1), np.full(_MOST, -1)
            sure = np.zeros((2, _MOST), np.float32)
            forth[0][match.query], forth[1][match.candidate] = match.candidate, match.query
            sure[0][match.query], sure[1][match.candidate] = match.scores, match.scores
            matched = recording.arrays[f"matches_Qvs{name}_{size[0]}x{size[1]}"]
            yield Difference("matches", size, float((matched != cut(np.stack(forth))).mean()), 0.01)
            yield Difference("match scores", size, away(f"matching_scores_Qvs{name}", sure), _MATCHES)
