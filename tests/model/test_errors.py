"""The tree of errors in the docstring equals the tree in the code."""

import re
from importlib import import_module

import model.errors
from docs.generated import ERROR_ROOMS
from model.errors import PlacefixError

PACKAGES = {"model", "place_map", "index_builder", "service", "placefix"}
for room in ERROR_ROOMS:
    import_module(room)


def every_class(root: type[PlacefixError]) -> list[type[PlacefixError]]:
    defined_here = [each for each in root.__subclasses__() if each.__module__.partition(".")[0] in PACKAGES]
    return [root, *(descendant for child in defined_here for descendant in every_class(child))]


def test_every_class_stands_in_a_room() -> None:
    assert {each.__module__ for each in every_class(PlacefixError)} == set(ERROR_ROOMS)


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
