"""OpenGL without a window."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from model.errors import InvalidInput

if TYPE_CHECKING:
    import moderngl

_HOW = "pip install 'placefix[demo]', and the system packages libegl1, libgles2 and libgl1-mesa-dri (or a GPU's driver)"


def create_context() -> moderngl.Context:
    """An OpenGL 3.3 context over EGL: of a GPU, or of Mesa on the processor.

    Raises:
        InvalidInput: moderngl or EGL is not there.
    """
    try:
        import moderngl  # noqa: PLC0415  # only the renderer needs it
    except ImportError as missing:
        raise InvalidInput(f"the town is rendered with moderngl, which is not installed: {_HOW}") from missing
    settings: dict[str, Any] = {"backend": "egl"}
    try:
        return moderngl.create_context(require=330, standalone=True, **settings)
    except Exception as failed:  # moderngl raises bare exceptions, glcontext whatever the driver said
        raise InvalidInput(f"no OpenGL 3.3 over EGL: {failed}. Needed: {_HOW}") from failed
