"""State dictionaries of published files, distinguished by the names of their tensors."""

from collections.abc import Callable, Mapping
from pathlib import Path

from torch import Tensor

from model.checkpoint_layout import CheckpointLayout
from model.families import layout_of
from model.selavpr.selavpr import SelaVPR
from model.weight_files import numpy_extras
from model.weight_files.reference_names import DATA_PARALLEL_PREFIX, own_name, reference_name_of
from model.weight_files.weight_file import Layout, TrainingRecord, WeightFile
from model.weights_errors import WeightsError

_STATE_KEYS = ("model_state_dict", "state_dict")
_BACKBONE = "backbone."
_DINOV2_TENSORS = ("cls_token", "pos_embed", "patch_embed.proj.weight")
_SWIGLU = ".mlp.w12.weight"  # the fused gate of DINOv2's ViT-g


def interpret(loaded: object, path: Path) -> WeightFile:
    """Make a weights file from the content of a published file.

    Raises:
        WeightsError: The content is not a state dictionary, or belongs to another network.
    """
    state, extras = _state_and_extras(loaded, path)
    prefix = _common_prefix(state, path)
    names = [name.removeprefix(prefix) for name in state]
    published = layout_of(names)
    family, layout = (SelaVPR.family, _layout_of_selavpr(names, state, path)) if published is None else published
    tensors, file_names, unknown = _rename(state, prefix, _renaming(layout, names), path)
    if isinstance(layout, CheckpointLayout):
        tensors = {name: layout.convert(name, tensor) for name, tensor in tensors.items()}
    return WeightFile(
        path=path,
        layout=layout,
        family=family,
        tensors=tensors,
        file_names=file_names,
        unknown=unknown,
        is_trained=layout is not Layout.DINOV2,
        prefix=prefix,
        training=_training_record(extras),
    )


def _layout_of_selavpr(names: list[str], state: Mapping[str, Tensor], path: Path) -> Layout:
    if any(name.endswith(_SWIGLU) for name in names):
        raise WeightsError(
            f"{path} is a ViT-g of DINOv2: its MLPs are gated (SwiGLU), and SelaVPR has no network of this kind; use "
            "dinov2_vits14, dinov2_vitb14 or dinov2_vitl14"
        )
    if any(name.startswith(_BACKBONE) for name in names):
        return Layout.SELAVPR
    if any(name in _DINOV2_TENSORS for name in names):
        return Layout.DINOV2
    raise WeightsError(
        f"{path} holds the weights of another network: expected names such as module.backbone.cls_token (SelaVPR) "
        f"or cls_token (DINOv2), or the names of another family (docs/systems.md); found {list_names(tuple(state))}"
    )


def _renaming(layout: Layout | CheckpointLayout, names: list[str]) -> Callable[[str], str | None]:
    """Return the function from a name in the file to the name here: ``""`` if not needed, None if unknown."""
    if isinstance(layout, CheckpointLayout):
        known = frozenset(names)
        return lambda name: "" if layout.is_unused(name, known) else layout.own_name(name)
    return own_name if layout is Layout.SELAVPR else _own_name_of_backbone


def name_in_file(weights: WeightFile, name: str) -> str:
    """Return the name of a tensor in the file's own layout, for which people will search."""
    if name in weights.file_names:
        return weights.file_names[name]
    if isinstance(weights.layout, CheckpointLayout):
        return weights.prefix + weights.layout.name_in_file(name)
    if weights.layout is Layout.SELAVPR:
        return weights.prefix + reference_name_of(name)
    if weights.layout is Layout.DINOV2:
        return weights.prefix + name.removeprefix(_BACKBONE)
    return name


def list_names(names: tuple[str, ...], shown: int = 5) -> str:
    """Return the first few names, and the number of the others."""
    text = ", ".join(names[:shown])
    return f"{text} and {len(names) - shown} more" if len(names) > shown else text


def _state_and_extras(loaded: object, path: Path) -> tuple[dict[str, Tensor], Mapping[object, object]]:
    if not isinstance(loaded, Mapping):
        raise WeightsError(f"{path} holds a {type(loaded).__name__}, not the named tensors of a network")
    key = next((key for key in _STATE_KEYS if key in loaded), None)
    state: object = loaded if key is None else loaded[key]
    if not isinstance(state, Mapping) or not state:
        raise WeightsError(f"{path} holds no tensors" + ("" if key is None else f" under {key}"))
    tensors = {name: value for name, value in state.items() if isinstance(name, str) and isinstance(value, Tensor)}
    if len(tensors) < len(state):
        others = tuple(str(name) for name in state if name not in tensors)
        raise WeightsError(
            f"{path} is not a known checkpoint: expected tensors by name, or a dictionary of them under the key "
            f"{' or '.join(_STATE_KEYS)}; no tensors: {list_names(others)}"
        )
    return tensors, loaded if state is not loaded else {}


def _common_prefix(state: Mapping[str, Tensor], path: Path) -> str:
    prefixed = sum(name.startswith(DATA_PARALLEL_PREFIX) for name in state)
    if prefixed not in (0, len(state)):
        raise WeightsError(
            f"{path} is damaged: {prefixed} of its {len(state)} tensors have names that begin with "
            f"{DATA_PARALLEL_PREFIX}, the others do not"
        )
    return DATA_PARALLEL_PREFIX if prefixed else ""


def _rename(
    state: Mapping[str, Tensor], prefix: str, rename: Callable[[str], str | None], path: Path
) -> tuple[dict[str, Tensor], dict[str, str], tuple[str, ...]]:
    tensors: dict[str, Tensor] = {}
    file_names: dict[str, str] = {}
    unknown = []
    for file_name, tensor in state.items():
        name = rename(file_name.removeprefix(prefix))
        if name is None:
            unknown.append(file_name)
        elif not name:
            continue
        elif name in tensors:
            raise WeightsError(f"{path} holds the same tensor twice, as {file_names[name]} and as {file_name}")
        else:
            tensors[name], file_names[name] = tensor, file_name
    return tensors, file_names, tuple(unknown)


def _own_name_of_backbone(dinov2_name: str) -> str:
    return _BACKBONE + dinov2_name


def _training_record(extras: Mapping[object, object]) -> TrainingRecord:
    """Read the numbers that exist; a file without them, or with damaged ones, is still a weights file."""
    epoch = _number(extras.get("epoch_num"))
    waiting = _number(extras.get("not_improved_num"))
    return TrainingRecord(
        epoch=None if epoch is None else int(epoch),
        recalls_percent=numpy_extras.plain_numbers(extras.get("recalls")),
        best_recall_at_5_percent=_number(extras.get("best_r5")),
        epochs_without_improvement=None if waiting is None else int(waiting),
    )


def _number(value: object) -> float | None:
    numbers = numpy_extras.plain_numbers(value)
    return numbers[0] if numbers is not None and len(numbers) == 1 else None
