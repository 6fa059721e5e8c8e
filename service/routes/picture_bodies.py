"""Describe bodies that are pictures, of requests and of answers, for the OpenAPI document."""

from typing import Any

from pydantic import BaseModel

from service.body_advice import PART_NAME

_BINARY = {"schema": {"type": "string", "format": "binary"}}
_ANY_BYTES = "application/octet-stream"  # for generators of clients; some do not know the types of pictures


def picture_answer(description: str, *media_types: str) -> dict[str, Any]:
    """Describe an answer that is a picture of one of the media types."""
    return {"description": description, "content": dict.fromkeys((*media_types, _ANY_BYTES), _BINARY)}


def upload_body(parameters: type[BaseModel]) -> dict[str, Any]:
    """Describe a body that is a picture, or a form with pictures and parameters.

    Args:
        parameters: The fields that the form may have beside the picture; the address may have them, too.
    """
    fields = {name: _field(schema) for name, schema in parameters.model_json_schema()["properties"].items()}
    picture = {
        "type": "array",
        "items": {"type": "string", "format": "binary"},
        "minItems": 1,
        "description": "The picture; with `together` several, each in its own part.",
    }
    form = {
        "type": "object",
        "properties": {PART_NAME: picture, **fields},
        "required": [PART_NAME],
        "additionalProperties": False,
    }
    return {
        "description": (
            "The picture, JPEG, PNG, WebP or AVIF: as a part of a form, or as the whole body. It is recognised by "
            "its bytes; its name and its declared type do not matter, so a body may be declared as image/jpeg as well. "
            "The other fields of a form count as the parameters of the same names; a parameter that stands in both "
            "must be the same in both, and a field of another name is refused."
        ),
        "required": True,
        "content": {"multipart/form-data": {"schema": form}, _ANY_BYTES: _BINARY},
    }


def _field(schema: dict[str, Any]) -> dict[str, Any]:
    """Describe a parameter as a field of a form, where it is given or absent, and never null."""
    [given] = [each for each in schema["anyOf"] if each != {"type": "null"}]
    return {**given, "description": schema["description"]}
