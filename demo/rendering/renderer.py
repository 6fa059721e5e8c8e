"""Renders the pictures of the town."""

from __future__ import annotations

from collections.abc import Callable
from importlib.resources import files
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from demo.rendering import meshes
from demo.rendering.context import create_context
from demo.rendering.instances import BLOB_FLOATS, BOX_FLOATS, FACADE_FLOATS, Floats, as_rows
from demo.rendering.scenery import Scenery, scenery
from demo.rendering.shots import Shot
from demo.rendering.traffic import traffic
from demo.rendering.uniforms import camera_axes, scene_block

if TYPE_CHECKING:
    import moderngl

WIDTH, HEIGHT = 320, 240
SHADERS = "shaders"

_BOX_LAYOUT = ("3f 3f 2f 4f 4f /i", ("middle", "half_size", "yaw_surface", "paint_seed", "second"))
_NOISE_SIDE = 256


class _Batch:
    """Draw all things of one kind at once."""

    def __init__(
        self,
        context: moderngl.Context,
        program: moderngl.Program,
        mesh: Floats,
        layout: tuple[str, tuple[str, ...]],
        floats: int,
    ) -> None:
        self._context = context
        self._buffer = context.buffer(reserve=4 * floats * 1024, dynamic=True)
        self._program, self._mesh, self._layout = program, context.buffer(mesh.tobytes()), layout
        self._array = self._make()

    def _make(self) -> moderngl.VertexArray:
        names = tuple(name for name in ("corner", "normal") if name in self._program)
        mesh_format = "3f 3f" if len(names) == 2 else "3f 12x"
        return self._context.vertex_array(
            self._program,
            [(self._mesh, mesh_format, *names), (self._buffer, self._layout[0], *self._layout[1])],
        )

    def draw(self, rows: Floats) -> None:
        """Draw the rows, in their order."""
        if not len(rows):
            return
        if rows.nbytes > self._buffer.size:
            self._buffer.orphan(2 * rows.nbytes)
        self._buffer.write(np.ascontiguousarray(rows).tobytes())
        self._array.render(instances=len(rows))


class Renderer:
    """Draw pictures of ``WIDTH`` by ``HEIGHT``.

    Raises:
        InvalidInput: There is no OpenGL here.
    """

    def __init__(self) -> None:
        self._context = create_context()
        context = self._context
        programs = {name: self._program(f"{name}.vert", f"{name}.frag") for name in ("facade", "box", "ground", "blob")}
        programs["sky"] = self._program("screen.vert", "sky.frag")
        programs["post"] = self._program("screen.vert", "post.frag")
        facade_names = ("middle", "half_size", "yaw_material", "wall_pitch", "trim_seed", "accent_features", "windows")
        self._facades = _Batch(
            context, programs["facade"], meshes.walls(), ("3f 3f 2f 4f 4f 4f 4f /i", facade_names), FACADE_FLOATS
        )
        self._boxes = _Batch(context, programs["box"], meshes.cube(), _BOX_LAYOUT, BOX_FLOATS)
        self._roofs = _Batch(context, programs["box"], meshes.prism(), _BOX_LAYOUT, BOX_FLOATS)
        blob_layout = ("3f 3f 4f 8x /i", ("middle", "radii_seed", "paint_frayed"))
        self._blobs = _Batch(context, programs["blob"], meshes.square(), blob_layout, BLOB_FLOATS)
        square = context.buffer(meshes.square().tobytes())
        self._ground, self._sky, self._post = (
            context.vertex_array(programs[name], [(square, "3f 12x", "corner")]) for name in ("ground", "sky", "post")
        )
        self._ground_program = programs["ground"]
        self._block = context.buffer(reserve=64 + 13 * 16, dynamic=True)
        self._block.bind_to_uniform_block(0)
        self._noise = context.texture((_NOISE_SIDE, _NOISE_SIDE), 1, _noise().tobytes())
        self._noise.build_mipmaps()
        self._noise.filter = (context.LINEAR_MIPMAP_LINEAR, context.LINEAR)
        self._profile: moderngl.Texture | None = None
        self._picture = context.texture((WIDTH, HEIGHT), 4)
        self._scene_target = context.framebuffer([self._picture], context.depth_renderbuffer((WIDTH, HEIGHT)))
        self._final_target = context.framebuffer([context.texture((WIDTH, HEIGHT), 4)])
        self._street = -1

    @property
    def device(self) -> str:
        """Return the name of the renderer."""
        return str(self._context.info["GL_RENDERER"])

    def render(self, shot: Shot) -> NDArray[np.uint8]:
        """Draw a picture: ``(HEIGHT, WIDTH, 3)``, sRGB, top row first."""
        context, scene = self._context, scenery(shot.street)
        self._enter(scene)
        self._block.write(scene_block(shot, scene, WIDTH / HEIGHT))
        moving = traffic(shot, scene.street)
        eye, forward, _, _ = camera_axes(shot, scene)
        nearest = _by_distance(eye, forward)
        self._scene_target.use()
        self._scene_target.clear(depth=1.0)
        context.enable_only(context.DEPTH_TEST)
        self._boxes.draw(nearest(as_rows(moving.boxes, BOX_FLOATS)))
        self._boxes.draw(nearest(scene.boxes))
        self._facades.draw(nearest(scene.facades))
        self._roofs.draw(nearest(scene.roofs))
        self._blobs.draw(nearest(np.concatenate([scene.blobs, as_rows(moving.blobs, BLOB_FLOATS)])))
        self._ground.render()
        self._sky.render()
        context.enable_only(context.NOTHING)
        self._final_target.use()
        self._picture.use(2)
        self._post.render()
        data = self._final_target.read(components=3)
        return np.frombuffer(data, dtype=np.uint8).reshape(HEIGHT, WIDTH, 3)[::-1]

    def close(self) -> None:
        """Release the context."""
        self._context.release()

    def _enter(self, scene: Scenery) -> None:
        """Make a street the one to draw."""
        if scene.street.number != self._street:
            self._street = scene.street.number
            if self._profile is not None:
                self._profile.release()
            size = (scene.profile_m.shape[1], 2)
            self._profile = self._context.texture(size, 1, scene.profile_m.tobytes(), dtype="f4")
            self._profile.repeat_x = self._profile.repeat_y = False
            self._profile.filter = (self._context.NEAREST, self._context.NEAREST)
            self._ground_program["street_seed"] = float(self._street + 3)
        self._noise.use(0)
        if self._profile is not None:
            self._profile.use(1)

    def _program(self, vertex: str, fragment: str) -> moderngl.Program:
        program = self._context.program(vertex_shader=shader_text(vertex), fragment_shader=shader_text(fragment))
        for name, unit in (("noise", 0), ("profile", 1), ("picture", 2)):
            if name in program:
                program[name] = unit
        return program


def shader_text(name: str) -> str:
    """Read the source of a shader: version, common part, and its own part."""
    folder = files("demo.rendering") / SHADERS
    texts = [(folder / f"{part}.glsl").read_text(encoding="utf-8") for part in ("common", name)]
    return "\n".join(["#version 330 core", *texts])


def _by_distance(eye: Floats, forward: Floats) -> Callable[[Floats], Floats]:
    """Return the rows before the camera, nearest first: hidden things are then rejected before they are shaded."""

    def chosen(rows: Floats) -> Floats:
        away = rows[:, :3] - eye
        reach = rows[:, 3:6].max(axis=1) + 6
        ahead = away @ forward
        seen = np.flatnonzero(ahead > -reach)
        return rows[seen[np.argsort((away[seen] ** 2).sum(axis=1), kind="stable")]]

    return chosen


def _noise() -> NDArray[np.uint8]:
    """Smooth noise that repeats, with details of several sizes; mean 0.5."""
    rng = np.random.Generator(np.random.PCG64(7))
    total = np.zeros((_NOISE_SIDE, _NOISE_SIDE))
    for cells, weight in ((16, 0.4), (32, 0.28), (64, 0.2), (128, 0.12)):
        grid = rng.integers(0, 256, (cells, cells)).astype(np.float64) / 255
        position = np.arange(_NOISE_SIDE) * cells / _NOISE_SIDE
        low = position.astype(int)
        part = position - low
        part = part * part * (3 - 2 * part)
        rows = grid[low] * (1 - part)[:, None] + grid[(low + 1) % cells] * part[:, None]
        total += weight * (rows[:, low] * (1 - part) + rows[:, (low + 1) % cells] * part)
    total = (total - 0.5) * 1.5 + 0.5
    return np.clip(total * 255 + 0.5, 0, 255).astype(np.uint8)
