"""The tree of errors that the docstring draws is the tree that the code has."""

import re
from importlib import import_module

import model.errors
from model.errors import PlacefixError

ROOMS = (
    "model.errors",
    "model.picture_errors",
    "model.weights_errors",
    "model.training.errors",
    "place_map.errors",
    "index_builder.errors",
    "service.errors",
)
for room in ROOMS:
    import_module(room)


def every_class(root: type[PlacefixError]) -> list[type[PlacefixError]]:
    defined_here = [each for each in root.__subclasses__() if each.__module__ in ROOMS]
    return [root, *(descendant for child in defined_here for descendant in every_class(child))]


def test_codes_are_unique() -> None:
    codes = [each.code for each in every_class(PlacefixError)]
    assert len(set(codes)) == len(codes)
    assert all(re.fullmatch(r"[a-z_]+", code) for code in codes)


def test_the_docstring_draws_every_class_below_its_parent_with_its_code() -> None:
    drawn: dict[str, tuple[str | None, str | None]] = {}
    path: list[str] = []
    for line in (model.errors.__doc__ or "").splitlines():
        match = re.fullmatch(r"    ((?:│   |    )*)(?:[├└]── )?([A-Z]\w+)\s*(.*)", line)
        if match is None:
            continue
        depth = len(match[1]) // 4 + (1 if "── " in line else 0)
        drawn_code = re.match(r"([a-z]+(?:_[a-z]+)+)\b", match[3])
        path[depth:] = [match[2]]
        drawn[match[2]] = (path[depth - 1] if depth else None, drawn_code[1] if drawn_code else None)
    for each in every_class(PlacefixError):
        parent, code = drawn.pop(each.__name__)
        assert parent == (each.__bases__[0].__name__ if each is not PlacefixError else None)
        assert code in (each.code, None)
    assert not drawn
