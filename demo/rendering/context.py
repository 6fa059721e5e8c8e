"""OpenGL without a window."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from model.errors import InvalidInput

if TYPE_CHECKING:
    import moderngl

_DEVICES = 4  # devices of EGL to try; the first may draw nothing, or refuse this user

_HOW = "pip install 'placefix[demo]', and the system packages libegl1, libgles2 and libgl1-mesa-dri (or a GPU's driver)"


def create_context() -> moderngl.Context:
    """Hold an OpenGL 3.3 context over EGL: of a GPU, or of Mesa on the processor.

    Raises:
        InvalidInput: moderngl or EGL is not there.
    """
    try:
        import moderngl  # noqa: PLC0415  # only the renderer needs it
    except ImportError as missing:
        raise InvalidInput(f"the town is rendered with moderngl, which is not installed: {_HOW}") from missing
    failures: list[Exception] = []
    for device in range(_DEVICES):
        settings: dict[str, Any] = {"backend": "egl", "device_index": device}
        try:
            return moderngl.create_context(require=330, standalone=True, **settings)
        except Exception as failed:  # noqa: BLE001  # moderngl raises bare exceptions, glcontext whatever the driver said
            failures.append(failed)
    raise InvalidInput(f"no OpenGL 3.3 over EGL: {failures[0]}. Needed: {_HOW}") from failures[0]
