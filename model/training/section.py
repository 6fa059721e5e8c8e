"""A section of a configuration: a dataclass whose fields are checked against their annotations."""

from dataclasses import dataclass, fields
from math import isfinite
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, ClassVar, Literal, get_args, get_origin, get_type_hints

from model.training.errors import InvalidTrainingConfig


@dataclass(frozen=True)
class Least:
    """Set the least value of a number."""

    value: float


@dataclass(frozen=True)
class Above:
    """Set the value that a number must exceed."""

    value: float


class Section:
    """Define a part of the configuration, and check its fields against their annotations."""

    NAME: ClassVar[str]

    def __post_init__(self) -> None:
        hints = get_type_hints(type(self), include_extras=True)
        for each in fields(self):  # type: ignore[arg-type]
            check_value(getattr(self, each.name), hints[each.name], f"{self.NAME}.{each.name}")
        self.check()

    def check(self) -> None:
        """Check the settings against each other."""


def check_value(value: object, hint: Any, name: str) -> None:
    """Check a value against an annotation.

    Raises:
        InvalidTrainingConfig: The value has another type, or is out of range.
    """
    if isinstance(hint, UnionType) or (get_origin(hint) is not None and type(None) in get_args(hint)):
        if value is not None:
            check_value(value, next(each for each in get_args(hint) if each is not type(None)), name)
        return
    if get_origin(hint) is Annotated:
        bare, *bounds = get_args(hint)
        check_value(value, bare, name)
        _check_bounds(value, bounds, name)
    elif get_origin(hint) is Literal:
        if value not in get_args(hint):
            raise InvalidTrainingConfig(f"{name} = {value!r} is not one of {', '.join(map(repr, get_args(hint)))}")
    elif not _is_of_type(value, hint):
        raise InvalidTrainingConfig(f"{name} = {value!r} is not {_TYPE_NAMES[hint]}")


_TYPE_NAMES: dict[type, str] = {
    int: "a whole number",
    float: "a finite number",
    bool: "true or false",
    str: "a text, or an empty one",
    Path: "a path",
}


def _is_of_type(value: object, hint: type) -> bool:
    if hint is float:
        return isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value)
    if hint is int:
        return isinstance(value, int) and not isinstance(value, bool)
    return isinstance(value, hint) and value != ""


def _check_bounds(value: Any, bounds: list[Least | Above], name: str) -> None:
    for bound in bounds:
        if isinstance(bound, Least) and value < bound.value:
            raise InvalidTrainingConfig(f"{name} = {value!r} is too small: it must be {bound.value:g} or more")
        if isinstance(bound, Above) and value <= bound.value:
            raise InvalidTrainingConfig(f"{name} = {value!r} is too small: it must be greater than {bound.value:g}")
