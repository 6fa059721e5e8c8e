"""The shape of a network as plain values: whole numbers, and words from a list."""

from dataclasses import asdict, dataclass
from typing import Any, Literal, Self, get_args, get_origin, get_type_hints

from model.errors import InvalidInput


@dataclass(frozen=True)
class PlainConfig:
    """Define a configuration with fields that are whole numbers from 1, or words of a ``Literal``.

    Attributes:
        may_be_zero: Names of the numbers that may be 0, if the network lacks the part.
    """

    may_be_zero = frozenset[str]()

    def __post_init__(self) -> None:
        for name, kind in get_type_hints(type(self)).items():
            value = getattr(self, name)
            if get_origin(kind) is Literal:
                if value not in get_args(kind):
                    known = ", ".join(map(str, get_args(kind)))
                    raise InvalidInput(f"network configuration: {name} = {value!r} is not one of {known}")
            elif not isinstance(value, int) or isinstance(value, bool) or value < (name not in self.may_be_zero):
                raise InvalidInput(f"network configuration: {name} = {value!r} is not a positive whole number")

    def to_dict(self) -> dict[str, Any]:
        """Return the configuration as plain values, for a map and for a file's metadata."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Self:
        """Make a configuration from the values of ``to_dict``.

        Raises:
            InvalidInput: A value is missing, unknown or impossible.
        """
        try:
            return cls(**values)
        except TypeError as error:
            raise InvalidInput(f"network configuration: {error}") from error
