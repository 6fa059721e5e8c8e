"""A reader returns the data that a builder wrote: the localizer's inputs equal the encoder's outputs."""

from pathlib import Path

import torch

from model.codes import as_features
from model.encoder import Encoder
from model.features import Features
from model.images import open_image
from model.matching import count_mutual_matches
from model.preprocess import preprocess
from model.retrieval import retrieve
from place_map.global_index import open_searcher
from place_map.local_codec import LocalCodec
from place_map.reader import PlaceMap
from tests.index_builder.map_factory import SMALL, build_small


def test_a_map_answers_as_the_oracle_does_on_the_same_pictures(tmp_path: Path, tiny_encoder: Encoder) -> None:
    """Shortlist from the index, counts from the local store, against retrieval over features held in memory."""
    map_path = build_small(tmp_path, tiny_encoder, count=5).map_path
    photos = sorted((tmp_path / "photos").iterdir())
    batches = [tiny_encoder.encode(preprocess(open_image(path))[None]) for path in photos]
    # As a map stores them.
    codec = LocalCodec(SMALL.store, tiny_encoder.local_dim)
    database = Features(
        torch.cat([batch.global_features for batch in batches]).half().float(),
        as_features(codec.round_trip(torch.cat([batch.local_features for batch in batches]))),
        tiny_encoder.local_grid,
    )
    with PlaceMap.open(map_path) as place_map:
        searcher = open_searcher(place_map, "cpu")
        for number, query in enumerate(batches):
            oracle = retrieve(query, database, shortlist=3)
            shortlist = searcher.search(query.global_features, 3)
            counts = count_mutual_matches(query.local_features[0], place_map.local_features(shortlist.rows[0]))
            order = counts.argsort(descending=True, stable=True)
            rows = torch.from_numpy(shortlist.rows[0])[order]
            assert rows[0] == number
            assert torch.equal(rows, oracle.rows)
            assert oracle.mutual_matches is not None
            # A batch of another size may round a feature otherwise, and so turn a match or two.
            assert (counts[order] - oracle.mutual_matches).abs().max() <= 5
