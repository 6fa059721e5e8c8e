"""Settings: flags over environment over defaults, and sentences for wrong ones."""

import re
from pathlib import Path

import pytest

from model.errors import InvalidInput
from model.images import DEFAULT_LIMITS
from service.earlier_settings import REMOVED, RENAMED
from service.environment_names import unknown_environment_names
from service.settings import ServiceSettings, load_settings
from service.settings_file import settings_from


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for field in ServiceSettings.model_fields:
        monkeypatch.delenv(f"PLACEFIX_{field.upper()}", raising=False)
    for name in (*RENAMED, *REMOVED):
        monkeypatch.delenv(f"PLACEFIX_{name.upper()}", raising=False)


def test_defaults_are_safe_for_a_laptop() -> None:
    settings = load_settings({})
    assert (settings.host, settings.port, settings.device) == ("127.0.0.1", 8000, "auto")
    assert settings.max_upload_bytes == 64_000_000
    assert settings.image_limits == DEFAULT_LIMITS
    assert settings.rerank == "auto"
    assert settings.maps == ()
    assert settings.samples is None


def test_flags_win_over_the_environment_and_the_environment_over_defaults(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLACEFIX_PORT", "9000")
    monkeypatch.setenv("PLACEFIX_QUEUE_SIZE", "3")
    monkeypatch.setenv("PLACEFIX_MAPS", "maps/a, maps/b")
    assert load_settings({"port": None}).port == 9000
    settings = load_settings({"port": 9001, "maps": None})
    assert (settings.port, settings.queue_size) == (9001, 3)
    assert settings.maps == (Path("maps/a"), Path("maps/b"))
    assert load_settings({"maps": (Path("maps/c"),)}).maps == (Path("maps/c"),)


@pytest.mark.parametrize(
    ("name", "value"),
    [("PLACEFIX_PORT", "eight thousand"), ("PLACEFIX_QUEUE_SIZE", "0"), ("PLACEFIX_DEVICE", "tpu")],
)
def test_a_value_that_does_not_fit_is_a_sentence(name: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(InvalidInput, match=name.removeprefix("PLACEFIX_").lower()):
        load_settings({})


def test_an_empty_variable_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("WEIGHTS", "PORT", "MAPS", "DEVICE"):
        monkeypatch.setenv(f"PLACEFIX_{name}", "")
    assert load_settings({}) == ServiceSettings()
    assert load_settings({}).weights is None


def test_more_candidates_than_shortlist_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLACEFIX_CANDIDATES", "50")
    assert load_settings({}).candidates == 50
    with pytest.raises(InvalidInput, match="candidates: Input should be at most shortlist, which is 20"):
        load_settings({"shortlist": 20})


def test_names_that_are_no_settings_are_told_with_the_nearest_one() -> None:
    sentences = unknown_environment_names(
        ["PLACEFIX_QUEU_SIZE", "PLACEFIX_QUEUE_SIZE", "PLACEFIX_SHARED", "PLACEFIX_CACHE", "PLACEFIX_WEIGHTS", "HOME"]
    )
    assert sentences == [
        "PLACEFIX_QUEU_SIZE is not a setting of Placefix and has no effect; did you mean PLACEFIX_QUEUE_SIZE?"
    ]
    assert unknown_environment_names(["PLACEFIX_ZZZZ"]) == [
        "PLACEFIX_ZZZZ is not a setting of Placefix and has no effect"
    ]


def test_every_setting_says_what_it_is() -> None:
    assert [name for name, field in ServiceSettings.model_fields.items() if not field.description] == []


def test_a_file_comes_after_flags_and_environment_and_before_defaults(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "placefix.toml"
    path.write_text('port = 9000\nqueue_size = 7\ndeadline_s = 4\nmaps = ["maps/a", "/srv/b"]\nkeys = "keys.toml"\n')
    monkeypatch.setenv("PLACEFIX_QUEUE_SIZE", "3")
    settings = load_settings({"deadline_s": 5.0, "port": None}, settings_from(path))
    assert (settings.port, settings.queue_size, settings.deadline_s) == (9000, 3, 5.0)
    assert settings.maps == (tmp_path / "maps/a", Path("/srv/b"))
    assert settings.keys == tmp_path / "keys.toml"
    assert settings.max_upload_bytes == 64_000_000


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("prot = 9000", "there is no setting prot; did you mean port?"),
        ("port = ", "is not TOML"),
        ('port = "eight"', "port: "),
        ("queue_size = 0", "queue_size: "),
        ("maps = [3]", "maps: "),
        ('maps = "a, b"', "maps: "),
    ],
)
def test_a_file_that_does_not_fit_is_a_sentence(text: str, complaint: str, tmp_path: Path) -> None:
    path = tmp_path / "placefix.toml"
    path.write_text(text)
    with pytest.raises(InvalidInput, match=re.escape(complaint)):
        load_settings({}, settings_from(path))


def test_a_file_that_is_not_there_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="cannot be read"):
        settings_from(tmp_path / "none.toml")


def test_settings_are_known_by_their_old_names(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / "settings.toml"
    file.write_text('precision = "exact"\nencoding = "bfloat16"\n')
    kind = settings_from(file)
    assert (load_settings({}, kind).network_precision, load_settings({}, kind).matching_precision) == (
        "bfloat16",
        "exact",
    )
    assert sorted(kind.notes) == [
        f"{file}: encoding is now called network_precision; the old name still works",
        f"{file}: precision is now called matching_precision; the old name still works",
    ]
    monkeypatch.setenv("PLACEFIX_ENCODING", "float32")  # wins over the file, as each variable does
    monkeypatch.setenv("PLACEFIX_PRECISION", "fast")
    for each in (load_settings({}, kind), load_settings({})):
        assert (each.network_precision, each.matching_precision) == ("float32", "fast")
    assert load_settings({"matching_precision": "exact"}).matching_precision == "exact"
    assert unknown_environment_names(["PLACEFIX_ENCODING", "placefix_precision"]) == [
        "PLACEFIX_ENCODING is now called PLACEFIX_NETWORK_PRECISION; the old name still works",
        "PLACEFIX_PRECISION is now called PLACEFIX_MATCHING_PRECISION; the old name still works",
    ]


def test_both_names_with_different_values_contradict_each_other(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "settings.toml"
    file.write_text('precision = "exact"\nmatching_precision = "fast"\n')
    with pytest.raises(InvalidInput, match="matching_precision and precision contradict"):
        settings_from(file)
    monkeypatch.setenv("PLACEFIX_ENCODING", "float32")
    monkeypatch.setenv("PLACEFIX_NETWORK_PRECISION", "float32")
    assert load_settings({}).network_precision == "float32"
    monkeypatch.setenv("PLACEFIX_NETWORK_PRECISION", "bfloat16")
    with pytest.raises(InvalidInput, match="PLACEFIX_NETWORK_PRECISION and PLACEFIX_ENCODING contradict"):
        load_settings({})


def test_a_file_of_settings_may_begin_with_a_byte_order_mark(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text("port = 8199\n", encoding="utf-8-sig")
    assert load_settings({}, settings_from(tmp_path / "a.toml")).port == 8199


def test_origins_and_the_root_path_are_written_as_browsers_and_proxies_do(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PLACEFIX_CORS_ORIGINS", "https://App.Example:443/, http://localhost:5173,capacitor://localhost")
    monkeypatch.setenv("PLACEFIX_ROOT_PATH", "/maps-of-mine/placefix/")
    settings = load_settings({})
    assert settings.cors_origins == ("https://app.example", "http://localhost:5173", "capacitor://localhost")
    assert settings.root_path == "/maps-of-mine/placefix"
    (tmp_path / "settings.toml").write_text('cors_origins = ["http://[::1]:80", "*"]\nroot_path = "/"\n')
    monkeypatch.delenv("PLACEFIX_CORS_ORIGINS")
    monkeypatch.delenv("PLACEFIX_ROOT_PATH")
    settings = load_settings({}, settings_from(tmp_path / "settings.toml"))
    assert (settings.cors_origins, settings.root_path) == (("http://[::1]", "*"), "")
    assert (ServiceSettings().cors_origins, ServiceSettings().root_path) == ((), "")


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("CORS_ORIGINS", "https://*.example.org", "'https://*.example.org' is not an origin"),
        ("CORS_ORIGINS", "https://a.example, app.example", "'app.example' is not an origin"),
        ("CORS_ORIGINS", "https://app.example/page", "without a path"),
        ("CORS_ORIGINS", "https://me@app.example", "is not an origin"),
        ("CORS_ORIGINS", "https://app.example:99999", "is not an origin"),
        ("CORS_ORIGINS", "null", "'null' is not an origin"),
        ("ROOT_PATH", "placefix", "root_path: Input should be a path as /placefix"),
        ("ROOT_PATH", "https://maps.example/placefix", "root_path: "),
        ("ROOT_PATH", "/a/../b", "root_path: "),
        ("ROOT_PATH", "/a b", "root_path: "),
        ("KEEP_ALIVE_S", "0", "keep_alive_s: "),
    ],
)
def test_origins_and_paths_that_are_none_are_sentences(
    name: str, value: str, says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(f"PLACEFIX_{name}", value)
    with pytest.raises(InvalidInput, match=re.escape(says)):
        load_settings({})


def test_a_removed_setting_may_say_only_what_always_holds(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / "settings.toml"
    file.write_text('retry_after_s = 1\nmin_side_px = 16.0\nnum_heads = 4\nsearcher = "auto"\nport = 8199\n')
    kind = settings_from(file)
    assert load_settings({}, kind).port == 8199
    assert sorted(kind.notes) == [
        f"{file}: min_side_px is no longer a setting: it is always 16; leave it out",
        f"{file}: num_heads is no longer a setting: each map has its own; leave it out",
        f"{file}: retry_after_s is no longer a setting: it is always 1; leave it out",
        f"{file}: searcher is no longer a setting: it is always auto; leave it out",
    ]
    monkeypatch.setenv("PLACEFIX_PROBE_INTERVAL_S", "60")
    assert load_settings({}) == ServiceSettings()
    assert unknown_environment_names(["PLACEFIX_PROBE_INTERVAL_S"]) == [
        "PLACEFIX_PROBE_INTERVAL_S is no longer a setting: it is always 60; leave it out"
    ]


@pytest.mark.parametrize("name", sorted(name for name, removed in REMOVED.items() if removed.instead is not None))
@pytest.mark.parametrize("value", ["12345", "none"])
def test_a_removed_setting_with_another_value_is_refused(
    name: str, value: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "settings.toml"
    file.write_text(f'{name} = "{value}"\n')
    says = f"{file}: {name} is no longer a setting: {REMOVED[name].holds}; leave it out, and {REMOVED[name].instead}"
    with pytest.raises(InvalidInput, match=re.escape(says)):
        settings_from(file)
    monkeypatch.setenv(f"PLACEFIX_{name.upper()}", value)
    with pytest.raises(InvalidInput, match=f"PLACEFIX_{name.upper()} is no longer a setting"):
        load_settings({})
    assert name not in ServiceSettings.model_fields
