"""The service on the device: a map is built, served over HTTP, and queried; the same queries then run on the CPU."""

import tempfile
from pathlib import Path
from time import perf_counter
from typing import Any

from benchmarks.encoding.networks import DEMO
from benchmarks.gpu.asking import Asked, Picks, ask
from benchmarks.gpu.networks import network_named
from benchmarks.gpu.outcome import Lacking, Outcome
from benchmarks.gpu.searcher import need_faiss
from benchmarks.gpu.served import serving
from benchmarks.gpu.setting import Setting
from index_builder.build import build_map
from index_builder.build_options import BuildOptions
from index_builder.sources.listing import SourceListing
from index_builder.sources.read import read_source
from model.device import choose_device
from model.encoder import Encoder
from model.images import DEFAULT_LIMITS
from model.network_precision import NetworkPrecision, RequestedPrecision, choose_network_precision
from model.weights import save_network
from service.decoding import decode_query
from service.encoded_query import encode_queries
from service.loading import load_maps
from service.query_options import QueryOptions
from service.settings import ServiceSettings

CANDIDATES = 10
_ALLOWED_MISSING = 0.2  # near ties at the end of the list
_COMPARED = 32  # number of pictures that are also queried on the CPU
_DEADLINE_S = 300.0  # answers are compared, so none may be missing because a machine is slow

# Allowed differences between a device and a CPU: in a distance of global features, and in the mean share of a count.
# The distance of features of length 1 equals their relative error, which ``benchmarks.gpu.encoder`` limits.
ALLOWED_DISTANCE: dict[NetworkPrecision, float] = {"float32": 1e-3, "bfloat16": 2e-2}
ALLOWED_SHARE: dict[NetworkPrecision, float] = {"float32": 0.01, "bfloat16": 0.03}


def measure_service(setting: Setting, _deadline_s: float) -> Outcome:
    """Build, serve, query and compare, with the first of the served networks.

    Raises:
        Lacking: faiss is missing, and without it no map can be built.
    """
    return _measure_served(setting, 0)


def measure_second_service(setting: Setting, _deadline_s: float) -> Outcome:
    """Repeat ``measure_service`` with the second network.

    Raises:
        Lacking: faiss or a second network is missing.
    """
    return _measure_served(setting, 1)


def _measure_served(setting: Setting, number: int) -> Outcome:
    need_faiss()
    if number >= len(setting.served):
        raise Lacking("this setting serves one network only")
    with tempfile.TemporaryDirectory() as folder:
        return _measure(setting, *setting.served[number], Path(folder))


def _measure(setting: Setting, name: str, requested: RequestedPrecision, folder: Path) -> Outcome:
    outcome = Outcome()
    weights, map_path, asked = folder / "network.safetensors", folder / "maps" / "town", folder / "asked"
    network = network_named(name)
    save_network(network, weights)
    pictures = _pictures(setting.pictures, asked)
    choice = choose_device(setting.device)
    precision = choose_network_precision(requested, choice.device).precision
    encoder = Encoder(network, choice.device, precision=precision)
    start_s = perf_counter()
    build_map(pictures, encoder, map_path, BuildOptions(thumbnails=False), weights_path=weights)
    built_s = perf_counter() - start_s
    shortlist = len(pictures.places)
    settings = ServiceSettings(
        maps=(map_path,),
        device=setting.device,
        rerank="always",
        shortlist=shortlist,
        candidates=min(CANDIDATES, shortlist),
        deadline_s=_DEADLINE_S,
    )
    with serving(settings) as served:
        engine = served.runtime.engine
        with engine.maps.reading() as version:
            told = {"matcher": version.localizer.matcher, "searcher": version.localizer.searcher.name}
        told["encoding"] = engine.encoder.precision
        found = ask(Asked(served.url, str(asked), setting.clients, setting.load_s))
    alone: dict[str, Picks] = found.pop("alone")
    answered = found["statuses"].get("200", 0)
    outcome.figures = {
        "network": name,
        "pictures": shortlist,
        "shortlist": shortlist,
        "clients": setting.clients,
        "built_a_second": shortlist / built_s,
        "ready_s": served.ready_s,
        **told,
        **found,
        "refused": found["statuses"].get("503", 0),
    }
    label = f"{name}, {precision}"
    others = sum(found["statuses"].values()) - answered - outcome.figures["refused"]
    outcome.check(f"{label}: requests without an answer, or with another status than 200 and 503", others, 0)
    outcome.check(f"{label}: answers that are not those of the picture alone", found["differing"], 0)
    wrong = sum(not picks or picks[0][0] != picture for picture, picks in alone.items())
    outcome.check(f"{label}: pictures that are not found at their own place", wrong, 0)
    _compare(outcome, label, precision, alone, _on_the_cpu(map_path, asked, settings))
    return outcome


def _pictures(count: int, asked: Path) -> SourceListing:
    """Copy evenly spaced pictures of the demo's town to the folder of the clients."""
    whole = read_source(DEMO / "pictures" / "database")
    step = max(1, len(whole.places) // count)
    places = whole.places[::step][:count]
    asked.mkdir()
    for place in places:
        (asked / place.id).write_bytes(place.path.read_bytes())
    return SourceListing(places, (), whole.kind, whole.root)


def _on_the_cpu(map_path: Path, asked: Path, settings: ServiceSettings) -> dict[str, Picks]:
    """Answer each picture from the same map without server and GPU."""
    loaded = load_maps([map_path], device="cpu")
    [localizer] = loaded.localizers.values()
    options = QueryOptions(settings.candidates, settings.shortlist or settings.candidates, rerank="always")
    picks: dict[str, Picks] = {}
    for path in sorted(asked.glob("*.jpg"))[:_COMPARED]:
        image = decode_query(path, DEFAULT_LIMITS, loaded.encoder.preparation)
        [encoded] = encode_queries(loaded.encoder, image[None])
        found = localizer.localize(encoded, options).candidates
        picks[path.name] = [(each.id, each.mutual_matches, each.global_distance) for each in found]
    loaded.close()
    return picks


def _compare(
    outcome: Outcome, label: str, precision: NetworkPrecision, found: dict[str, Picks], expected: dict[str, Picks]
) -> None:
    """Compare the best candidates, and the evidence of all candidates that both name."""
    other_best = sum(not found[name] or found[name][0][0] != picks[0][0] for name, picks in expected.items())
    outcome.check(f"{label}: pictures with another best candidate than on the CPU", other_best, 0)
    distances: list[float] = []
    shares: list[float] = []
    for name, picks in expected.items():
        on_cpu: dict[str, Any] = {place: (matches, distance) for place, matches, distance in picks}
        for place, matches, distance in found[name]:
            if place in on_cpu:
                distances.append(abs(distance - on_cpu[place][1]))
                shares.append(abs((matches or 0) - on_cpu[place][0]) / max(1, on_cpu[place][0]))
    named = sum(map(len, expected.values()))
    outcome.check(f"{label}: share of the CPU's candidates that are missing", 1 - len(shares) / named, _ALLOWED_MISSING)
    outcome.check(
        f"{label}: largest difference of a global distance", max(distances, default=0.0), ALLOWED_DISTANCE[precision]
    )
    mean_share = sum(shares) / max(1, len(shares))
    outcome.check(f"{label}: mean share by which mutual matches differ", mean_share, ALLOWED_SHARE[precision])
    outcome.figures["mutual_matches_mean_share"] = mean_share
