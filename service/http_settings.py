"""Define the settings of HTTP: address, path, connections, other origins, and the bodies that are taken."""

import re
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import BaseModel, Field, field_validator
from pydantic_core import PydanticCustomError
from pydantic_settings import NoDecode

ANY_ORIGIN = "*"

_DEFAULT_PORTS = {"http": 80, "https": 443}
_SEGMENT = r"(?!\.\.?(?:/|$))[A-Za-z0-9._~-]+"
_ROOT_PATH = re.compile(rf"(?:/{_SEGMENT})*")
_HOST = re.compile(r"[a-z0-9._-]+|\[[0-9a-f:.]+\]")


class HttpSettings(BaseModel):
    """Hold the settings of HTTP; a request beyond a limit gets the status in brackets."""

    host: str = Field(
        default="127.0.0.1",
        description="Address to listen on; 0.0.0.0 for all networks, :: for all of IPv6 and of IPv4.",
    )
    published_host: str | None = Field(
        default=None,
        description=(
            "Address at which others reach the service, if it is not the address to listen on, such as a "
            "container's host: on a loopback address, only this machine does."
        ),
    )
    port: int = Field(default=8000, ge=0, le=65535, description="Port to listen on; 0 takes a free one.")
    root_path: str = Field(
        default="",
        description=(
            "Path under which a proxy publishes the service, such as /placefix; the proxy may remove or leave it."
        ),
    )
    keep_alive_s: float = Field(
        default=75.0,
        gt=0,
        description=(
            "Seconds for which a connection stays open without a request: longer than a proxy or load balancer keeps "
            "it, or a request may meet a closed one."
        ),
    )
    cors_origins: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(),
        description=(
            "Origins whose pages may ask and read the answers, such as https://app.example.org; in the environment "
            "separated by commas; * for all, by default none."
        ),
    )

    max_upload_bytes: int = Field(default=64_000_000, ge=1, description="Most bytes of a request's body [413].")
    max_images: int = Field(
        default=10,
        ge=1,
        le=100,
        description="Most pictures that are asked together in one request [422]; never more than queue_size.",
    )
    upload_timeout_s: float = Field(
        default=15.0,
        gt=0,
        description="Seconds without a byte after which a body is refused; while bytes come it may take longer [408].",
    )

    @field_validator("root_path")
    @classmethod
    def _without_last_slash(cls, value: str) -> str:
        path = value.removesuffix("/")
        if not _ROOT_PATH.fullmatch(path):
            raise PydanticCustomError("root_path", "Input should be a path as /placefix, without a host, ? or #")
        return path

    @field_validator("cors_origins", mode="before")
    @classmethod
    def _split_origins(cls, value: object) -> object:
        return split_by_commas(value)

    @field_validator("cors_origins")
    @classmethod
    def _as_browsers_write_them(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(origin if origin == ANY_ORIGIN else _origin(origin) for origin in value)


def split_by_commas(value: object) -> object:
    """Return the parts of a text, which the environment gives as a list; return other values as they are."""
    if isinstance(value, str):
        return tuple(part.strip() for part in value.split(",") if part.strip())
    return value


def _origin(text: str) -> str:
    """Return an origin as a browser sends it: in small letters, without the default port."""
    try:
        parts = urlsplit(text.lower().removesuffix("/"))
        port = parts.port
    except ValueError:
        parts, port = urlsplit(""), None
    host, _, _ = parts.netloc.rpartition(":") if port is not None else (parts.netloc, "", "")
    if not parts.scheme or parts.path or parts.query or parts.fragment or not _HOST.fullmatch(host):
        raise PydanticCustomError(
            "cors_origins",
            "{origin} is not an origin: write it as https://app.example.org, with its port if any, without a path",
            {"origin": repr(text)},
        )
    is_default = port is None or port == _DEFAULT_PORTS.get(parts.scheme)
    return f"{parts.scheme}://{host}" + ("" if is_default else f":{port}")
