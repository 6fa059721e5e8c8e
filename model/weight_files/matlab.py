"""NetVLAD's own file, in which its authors keep their network for MATLAB."""

from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from model.backbones.vgg import VGG16
from model.descriptors.netvlad import MEAN_PIXEL
from model.weights_errors import WeightsError

_VLAD_LAYER, _WHITENING_LAYER = 30, 33  # numbers in the list of layers, which has VGG16's in torchvision's order
_MEAN_TOLERANCE = 0.01


def read_matlab(path: Path) -> dict[str, Tensor]:
    """Return the tensors of NetVLAD with whitening, by the names of its layout in PyTorch.

    Raises:
        WeightsError: The file is damaged, or holds another network.
    """
    import scipy.io  # noqa: PLC0415 other weights do not need it

    try:
        network = scipy.io.loadmat(path, struct_as_record=False, squeeze_me=True)["net"]
        tensors = _read_layers(network.layers)
        mean = np.asarray(network.meta.normalization.averageImage, np.float64).reshape(-1, 3)[0]
    except (AttributeError, IndexError, KeyError, NotImplementedError, OSError, TypeError, ValueError) as error:
        raise WeightsError(
            f"{path} is a MATLAB file without the network of NetVLAD, or is damaged ({error}); Placefix reads "
            "Pitts30K_struct.mat of hloc"
        ) from error
    if np.abs(mean - MEAN_PIXEL).max() > _MEAN_TOLERANCE:
        raise WeightsError(f"{path} has pictures less the pixel {mean.tolist()}, and NetVLAD's is {MEAN_PIXEL}")
    return tensors


def _read_layers(layers: Any) -> dict[str, Tensor]:
    tensors: dict[str, Tensor] = {}
    with torch.device("meta"):
        numbers = sorted({int(name.split(".")[0]) for name, _parameter in VGG16().named_parameters()})
    for number in numbers:
        filters, bias = layers[number].weights
        tensors[f"backbone.{number}.weight"] = _tensor(np.transpose(filters, (3, 2, 0, 1)))  # from HWIO
        tensors[f"backbone.{number}.bias"] = _tensor(bias)
    scores, negative_centres = layers[_VLAD_LAYER].weights
    tensors["netvlad.score_proj.weight"] = _tensor(scores.T[:, :, None])
    tensors["netvlad.centers"] = _tensor(-negative_centres)
    whitening, bias = layers[_WHITENING_LAYER].weights
    tensors["whiten.weight"] = _tensor(whitening.reshape(-1, whitening.shape[-1]).T)
    tensors["whiten.bias"] = _tensor(bias)
    return tensors


def _tensor(values: NDArray[Any]) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(values, np.float32))
