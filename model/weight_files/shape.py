"""The shape of a network, read from the shapes of its tensors."""

from math import isqrt

from model.errors import InvalidInput
from model.selavpr.config import VIT_LARGE, SelaVPRConfig, default_num_heads
from model.weight_files.layouts import list_names, name_in_file
from model.weight_files.weight_file import Layout, WeightFile
from model.weights_errors import WeightsError

ADAPTER_RATIO = 0.5  # bottleneck of the adapters in the paper, as a share of the width

_BLOCKS = "backbone.blocks."
# The tensors that show a size, with their numbers of dimensions.
_BACKBONE_ANCHORS = {
    "backbone.cls_token": 3,
    "backbone.pos_embed": 3,
    "backbone.patch_embed.proj.weight": 4,
    "backbone.blocks.0.mlp.fc1.weight": 2,
}
_ADAPTATION_ANCHORS = {
    "backbone.blocks.0.serial_adapter.down.weight": 2,
    "backbone.blocks.0.parallel_adapter.down.weight": 2,
    "local_adaptation.up1.weight": 4,
    "local_adaptation.up2.weight": 4,
}


def read_config(weights: WeightFile, num_heads: int | None) -> SelaVPRConfig:
    """Read every size from the tensors.

    The tensors do not show the number of attention heads: by default it is one for every 64 channels, as in all of
    DINOv2.

    Raises:
        WeightsError: A tensor that shows a size is missing or has another number of dimensions, or the sizes do not
            make a network.
    """
    is_whole = weights.layout is not Layout.DINOV2
    anchors = _BACKBONE_ANCHORS | (_ADAPTATION_ANCHORS if is_whole else {})
    missing = tuple(name_in_file(weights, name) for name in anchors if name not in weights.tensors)
    if missing:
        raise WeightsError(
            f"{weights.path} is incomplete: without {list_names(missing)} not even the shape of the network is "
            "known; download it again"
        )
    for name, dimensions in anchors.items():
        if weights.tensors[name].ndim != dimensions:
            raise WeightsError(
                f"{weights.path}: {name_in_file(weights, name)} has the shape {_shape(weights, name)}, where "
                f"{dimensions} dimensions are expected"
            )
    embed_dim = _shape(weights, "backbone.cls_token")[2]
    adaptation = _adaptation_dims(weights) if is_whole else _initial_adaptation_dims(embed_dim)
    try:
        return SelaVPRConfig(
            embed_dim=embed_dim,
            depth=_depth(weights),
            num_heads=default_num_heads(embed_dim) if num_heads is None else num_heads,
            mlp_dim=_shape(weights, "backbone.blocks.0.mlp.fc1.weight")[0],
            patch_size=_shape(weights, "backbone.patch_embed.proj.weight")[2],
            position_side=_position_side(weights),
            num_register_tokens=_register_count(weights),
            adapter_dim=adaptation["adapter_dim"],
            local_hidden_dim=adaptation["local_hidden_dim"],
            local_dim=adaptation["local_dim"],
        )
    except InvalidInput as error:
        raise WeightsError(f"{weights.path}: {error}") from error


def _shape(weights: WeightFile, name: str) -> tuple[int, ...]:
    return tuple(weights.tensors[name].shape)


def _depth(weights: WeightFile) -> int:
    # The names are counted, because the largest number in a damaged name could request a billion blocks.
    return len({name.split(".")[2] for name in weights.tensors if name.startswith(_BLOCKS)})


def _position_side(weights: WeightFile) -> int:
    rows = _shape(weights, "backbone.pos_embed")[1]
    side = isqrt(max(rows - 1, 0))
    if side < 1 or 1 + side**2 != rows:
        name = name_in_file(weights, "backbone.pos_embed")
        raise WeightsError(
            f"{weights.path}: {name} has {rows} rows, where one for the class token and a square number of patches "
            "are expected (1370 = 1 + 37² in DINOv2)"
        )
    return side


def _register_count(weights: WeightFile) -> int:
    registers = weights.tensors.get("backbone.register_tokens")
    if registers is None:
        return 0
    if registers.ndim != 3 or registers.shape[1] < 1:
        name = name_in_file(weights, "backbone.register_tokens")
        raise WeightsError(f"{weights.path}: {name} has the shape {tuple(registers.shape)}, expected (1, registers, D)")
    return registers.shape[1]


def _adaptation_dims(weights: WeightFile) -> dict[str, int]:
    serial, parallel = "backbone.blocks.0.serial_adapter.down.weight", "backbone.blocks.0.parallel_adapter.down.weight"
    adapter_dim, parallel_dim = _shape(weights, serial)[0], _shape(weights, parallel)[0]
    if adapter_dim != parallel_dim:
        raise WeightsError(
            f"{weights.path}: the two adapters of a block have different bottlenecks "
            f"({name_in_file(weights, serial)}: {adapter_dim}, {name_in_file(weights, parallel)}: "
            f"{parallel_dim}); only networks with equal ones are supported"
        )
    return {
        "adapter_dim": adapter_dim,
        "local_hidden_dim": _shape(weights, "local_adaptation.up1.weight")[1],
        "local_dim": _shape(weights, "local_adaptation.up2.weight")[1],
    }


def _initial_adaptation_dims(embed_dim: int) -> dict[str, int]:
    return {
        "adapter_dim": int(embed_dim * ADAPTER_RATIO),
        "local_hidden_dim": VIT_LARGE.local_hidden_dim,
        "local_dim": VIT_LARGE.local_dim,
    }
