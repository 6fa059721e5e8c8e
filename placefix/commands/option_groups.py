"""Options that belong together are one parameter of a command."""

from collections.abc import Callable, Mapping
from functools import wraps
from inspect import Parameter, signature
from typing import Any


def expand_parameter(
    command: Callable[..., None],
    name: str,
    options: Mapping[str, tuple[Any, object]],
    collect: Callable[[dict[str, Any]], object],
) -> Callable[..., None]:
    """Return a command that has options in the place of one of its parameters.

    Args:
        command: A command with that parameter.
        name: The name of the parameter.
        options: The name of an option → its annotation and its default.
        collect: Makes the value of the parameter from the options that were given; a call from Python may leave some
            out.
    """
    expanded = [
        Parameter(option, Parameter.KEYWORD_ONLY, annotation=annotation, default=default)
        for option, (annotation, default) in options.items()
    ]
    parameters = [
        each
        for parameter in signature(command).parameters.values()
        for each in (expanded if parameter.name == name else [parameter.replace(kind=Parameter.KEYWORD_ONLY)])
    ]

    @wraps(command)
    def run(**given: Any) -> None:
        collected = collect({option: value for option, value in given.items() if option in options})
        command(**{own: value for own, value in given.items() if own not in options}, **{name: collected})

    run.__signature__ = signature(command).replace(parameters=parameters)  # type: ignore[attr-defined]
    run.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return run
