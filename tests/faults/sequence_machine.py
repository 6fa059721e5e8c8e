"""Random sequences of everything that can be done to a map, beside a model of it: a dictionary for each version.

After each step the map has the versions of the model, and each of them the model's pictures: ids, positions, sums, and
features to the last bit. At the end verify finds nothing, and a fresh build of the same pictures has the same features.
"""

import shutil
import tempfile
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from hashlib import sha256
from pathlib import Path
from typing import ClassVar

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from model.errors import PlacefixError
from model.geo import LatLon
from model.progress import SILENT, Progress
from place_map.reader import PlaceMap
from place_map.versions import existing_versions, read_current
from tests.faults.hands import Hands
from tests.faults.map_state import check_good_and_alone
from tests.faults.picture_pool import BROKEN, PicturePool, stored_by_id
from tests.index_builder.interruption import InterruptedAfter

MOST_COLLECTIONS = 3
POOL_SIZE = 12
MUTATIONS = ("change", "rename", "move", "delete", "break")

numbers = st.one_of(st.integers(0, POOL_SIZE - 1), st.integers(BROKEN, POOL_SIZE - 1))
interruptions = st.one_of(st.none(), st.integers(1, 8))


@dataclass(frozen=True)
class Picture:
    """Hold a picture of a collection: its number in the pool, and where it is said to have been taken."""

    number: int
    step: int

    @property
    def position(self) -> LatLon:
        return LatLon(55 + self.step / 1000, 13.2)


@dataclass
class Collection:
    """Hold a folder of pictures that a CSV file lists.

    Attributes:
        folder: Where.
        prefix: The beginning of its ids in the map.
        pictures: By file name.
    """

    folder: Path
    prefix: str
    pictures: dict[str, Picture] = field(default_factory=dict)

    @property
    def csv(self) -> Path:
        return self.folder / "photos.csv"

    def write(self, pool: PicturePool) -> None:
        """Write these pictures and their list into the folder."""
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        lines = ["path,latitude,longitude"]
        for name, picture in self.pictures.items():
            (self.folder / name).write_bytes(pool.bytes_of(picture.number))
            lines.append(f"{name},{picture.position.latitude},{picture.position.longitude}")
        self.csv.write_text("\n".join(lines) + "\n")

    def readable(self) -> dict[str, Picture]:
        """Return the pictures of a version: id → picture."""
        return {self.prefix + name: picture for name, picture in self.pictures.items() if picture.number != BROKEN}


@dataclass(frozen=True)
class Version:
    """Hold the expected content of a version of the map.

    Attributes:
        pictures: By id.
        known: Numbers of the collections that are its sources.
        parent: The version that it was made from.
    """

    pictures: Mapping[str, Picture]
    known: frozenset[int]
    parent: str | None


class SequenceMachine(RuleBasedStateMachine):
    """Run a sequence; ``machine_of`` makes a class of it for given hands and pictures."""

    hands: ClassVar[Hands]
    pool: ClassVar[PicturePool]
    is_interruptible: ClassVar[bool]
    done: ClassVar[Counter[str]]

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="placefix-sequence-"))
        self.map_dir = self.folder / "maps" / "town"
        self.collections: list[Collection] = []
        self.versions: dict[str, Version] = {}
        self.served = ""
        self.drawn = 0  # names and positions are never used twice

    @property
    def current(self) -> Version:
        return self.versions[self.served]

    @initialize(first=st.integers(0, POOL_SIZE - 1), others=st.lists(numbers, max_size=6))
    def build(self, first: int, others: list[int]) -> None:
        collection = self._new_collection("")
        self._extend(collection, [first, *others])
        self.hands.build(self.map_dir, collection.csv)
        self.done["build"] += 1
        self.served = "000001"
        self.versions[self.served] = Version(collection.readable(), frozenset({0}), None)

    @rule(
        which=st.integers(0, MOST_COLLECTIONS - 1),
        more=st.lists(numbers, min_size=1, max_size=5),
        interruption=interruptions,
        is_given_up=st.booleans(),
    )
    def add(self, which: int, more: list[int], interruption: int | None, is_given_up: bool) -> None:
        """Return a part of a collection that has grown and is not in the map, or a new collection."""
        if which >= len(self.collections):
            which = len(self.collections)
            self._new_collection(f"c{which}/")
        collection = self.collections[which]
        self._extend(collection, more)
        pictures = {**collection.readable(), **self.current.pictures}
        self._change(
            "add",
            lambda progress: self.hands.add(self.map_dir, collection.csv, collection.prefix, progress),
            Version(pictures, self.current.known | {which}, self.served),
            interruption,
            is_given_up=is_given_up,
        )

    @rule(
        which=st.integers(0, MOST_COLLECTIONS - 1),
        mutations=st.lists(st.tuples(st.integers(0, 20), st.sampled_from(MUTATIONS), numbers), max_size=4),
        more=st.lists(numbers, max_size=3),
        interruption=interruptions,
        is_given_up=st.booleans(),
    )
    def update(
        self,
        which: int,
        mutations: list[tuple[int, str, int]],
        more: list[int],
        interruption: int | None,
        is_given_up: bool,
    ) -> None:
        which %= len(self.collections)
        collection = self.collections[which]
        for place, mutation, number in mutations:
            self._mutate(collection, sorted(collection.pictures)[place % len(collection.pictures)], mutation, number)
        self._extend(collection, more)
        others = {
            place_id: picture for place_id, picture in self.current.pictures.items() if owner_of(place_id) != which
        }
        after = Version({**others, **collection.readable()}, self.current.known, self.served)

        def act(progress: Progress) -> None:
            self.hands.update(self.map_dir, collection.csv, progress)

        if which in self.current.known and after.pictures:
            self._change("update", act, after, interruption, is_given_up=is_given_up)
        else:
            self._is_refused(lambda: act(SILENT))

    @rule(places=st.lists(st.integers(0, 40), min_size=1, max_size=6))
    def remove(self, places: list[int]) -> None:
        ids = sorted(self.current.pictures)
        doomed = sorted({ids[place % len(ids)] for place in places})
        left = {place_id: picture for place_id, picture in self.current.pictures.items() if place_id not in doomed}
        if left:
            after = Version(left, self.current.known, self.served)
            self._change("remove", lambda _: self.hands.remove(self.map_dir, doomed), after, None)
        else:
            self._is_refused(lambda: self.hands.remove(self.map_dir, doomed))

    @rule(segment_size=st.integers(1, 6), interruption=interruptions, is_given_up=st.booleans())
    def compact(self, segment_size: int, interruption: int | None, is_given_up: bool) -> None:
        self._change(
            "compact",
            lambda progress: self.hands.compact(self.map_dir, segment_size, progress),
            replace(self.current, parent=self.served),
            interruption,
            is_given_up=is_given_up,
        )

    @rule(place=st.integers(0, 20))
    def activate(self, place: int) -> None:
        version = sorted(self.versions)[place % len(self.versions)]
        self.hands.activate(self.map_dir, version)
        self.done["activate"] += 1
        self.served = version

    @rule()
    def roll_back(self) -> None:
        if self.current.parent in self.versions:
            self.hands.roll_back(self.map_dir)
            self.done["roll back"] += 1
            self.served = str(self.current.parent)
        else:
            self._is_refused(lambda: self.hands.roll_back(self.map_dir))

    @precondition(lambda self: len(self.versions) > 2)
    @rule(keep=st.integers(1, 3))
    def prune(self, keep: int) -> None:
        self.hands.prune(self.map_dir, keep)
        self.done["prune"] += 1
        for version in sorted(self.versions)[:-keep]:
            if version != self.served:
                del self.versions[version]

    @invariant()
    def is_as_the_model(self) -> None:
        """Open every version of the map anew, and compare it."""
        if not self.versions:
            return
        assert existing_versions(self.map_dir) == sorted(self.versions)
        assert read_current(self.map_dir).version == self.served
        for number, version in self.versions.items():
            with PlaceMap.open(self.map_dir, number) as place_map:
                records = [place_map.places[row] for row in range(len(place_map))]
            assert sorted(record.id for record in records) == sorted(version.pictures)
            for record in records:
                picture = version.pictures[record.id]
                assert record.position == picture.position
                assert record.content_sha256 == sha256(self.pool.files[picture.number]).hexdigest()
            expected = {place_id: self.pool.stored[each.number] for place_id, each in version.pictures.items()}
            assert stored_by_id(self.map_dir, number) == expected

    def teardown(self) -> None:
        try:
            if self.versions:
                check_good_and_alone(self.map_dir)
                self._check_against_a_fresh_build()
        finally:
            shutil.rmtree(self.folder)

    def _check_against_a_fresh_build(self) -> None:
        """Build a map of the pictures of the served version, from a collection of their own."""
        names = {place_id: place_id.replace("/", "-") for place_id in self.current.pictures}
        pictures = {names[place_id]: picture for place_id, picture in self.current.pictures.items()}
        fresh = Collection(self.folder / "fresh", "", pictures)
        fresh.write(self.pool)
        self.hands.build(self.folder / "fresh-map", fresh.csv)
        changed = stored_by_id(self.map_dir)
        assert {names[place_id]: stored for place_id, stored in changed.items()} == stored_by_id(
            self.folder / "fresh-map"
        )

    def _new_collection(self, prefix: str) -> Collection:
        self.collections.append(Collection(self.folder / f"collection{len(self.collections)}", prefix))
        return self.collections[-1]

    def _extend(self, collection: Collection, more: list[int]) -> None:
        for number in more:
            self.drawn += 1
            collection.pictures[f"p{self.drawn:03d}.jpg"] = Picture(number, self.drawn)
        collection.write(self.pool)

    def _mutate(self, collection: Collection, name: str, mutation: str, number: int) -> None:
        pictures, picture = collection.pictures, collection.pictures[name]
        self.drawn += 1
        if mutation == "change":
            pictures[name] = replace(picture, number=number)
        elif mutation == "break":
            pictures[name] = replace(picture, number=BROKEN)
        elif mutation == "move":
            pictures[name] = replace(picture, step=self.drawn)
        elif mutation == "rename":
            pictures[f"p{self.drawn:03d}.jpg"] = pictures.pop(name)
        elif len(pictures) > 1:
            del pictures[name]

    def _change(
        self,
        name: str,
        act: Callable[[Progress], None],
        after: Version,
        interruption: int | None,
        *,
        is_given_up: bool = False,
    ) -> None:
        """Make a change, perhaps interrupted and then continued or abandoned; the model follows."""
        before = set(existing_versions(self.map_dir))
        if interruption is not None and self.is_interruptible:
            try:
                act(InterruptedAfter(interruption))
            except KeyboardInterrupt:
                self.done["interrupted"] += 1
                self.is_as_the_model()
                if is_given_up:
                    self.hands.abandon(self.map_dir)
                    self.done["abandoned"] += 1
                    return
        act(SILENT)
        self.done[name] += 1
        new = set(existing_versions(self.map_dir)) - before
        if new:
            [self.served] = new
            assert self.served > max(before)
            self.versions[self.served] = after
        else:
            assert after.pictures == self.current.pictures

    def _is_refused(self, act: Callable[[], None]) -> None:
        with pytest.raises(PlacefixError):
            act()
        self.done["refused"] += 1


def owner_of(place_id: str) -> int:
    """Return the number of the collection that an id comes from."""
    return int(place_id[1 : place_id.index("/")]) if "/" in place_id else 0


def machine_of(used_hands: Hands, used_pool: PicturePool, *, can_be_interrupted: bool) -> type[SequenceMachine]:
    """Make the test of sequences of given hands and pictures."""

    class Machine(SequenceMachine):
        hands = used_hands
        pool = used_pool
        is_interruptible = can_be_interrupted
        done: ClassVar[Counter[str]] = Counter()

    return Machine
