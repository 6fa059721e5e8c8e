"""The names of SelaVPR's tensors in the reference implementation, translated to the names here.

The names of the backbone are DINOv2's on both sides.
"""

DATA_PARALLEL_PREFIX = "module."  # the reference saves the network inside torch.nn.DataParallel

_MODULES = {
    "adapter1.D_fc1": "serial_adapter.down",
    "adapter1.D_fc2": "serial_adapter.up",
    "adapter2.D_fc1": "parallel_adapter.down",
    "adapter2.D_fc2": "parallel_adapter.up",
    "aggregation.1": "pooling",
    "LocalAdapt.upconv1": "local_adaptation.up1",
    "LocalAdapt.upconv2": "local_adaptation.up2",
}
# Until March 2024 the up-convolutions had no separate module; copies of the first release still have these names.
_OLD_MODULES = {
    "upconv": "local_adaptation.up1",
    "upconv2": "local_adaptation.up2",
}


def own_name(reference_name: str) -> str | None:
    """Return the name here of a tensor of the reference.

    Args:
        reference_name: The name without the prefix ``module.``.

    Returns:
        None if the reference has no tensor of this name.
    """
    module, _, leaf = reference_name.rpartition(".")
    if module in _OLD_MODULES:
        return f"{_OLD_MODULES[module]}.{leaf}"
    name = reference_name
    for theirs, ours in _MODULES.items():
        if module == theirs or module.endswith(f".{theirs}"):
            name = f"{module.removesuffix(theirs)}{ours}.{leaf}"
    return name if reference_name_of(name) == reference_name else None


def reference_name_of(name: str) -> str:
    """Return the present name in the reference; the inverse of ``own_name``."""
    module, _, leaf = name.rpartition(".")
    for theirs, ours in _MODULES.items():
        if module == ours or module.endswith(f".{ours}"):
            return f"{module.removesuffix(ours)}{theirs}.{leaf}"
    return name
