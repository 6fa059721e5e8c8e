"""The Triton kernel behind ``model.gpu_matching``; importing this needs Triton."""

import triton
import triton.language as tl


# Without types: Triton's compiler looks annotations up among the constants of the kernel.
@triton.jit  # type: ignore[untyped-decorator]
def nearest_kernel(  # type: ignore[no-untyped-def]
    rows,
    columns,
    nearest,
    row_count,
    column_count,
    rows_stride,
    columns_stride,
    CHANNELS: tl.constexpr,  # noqa: N803 - what is known at compile time is written so in Triton
    CHANNELS_PADDED: tl.constexpr,  # noqa: N803
    BLOCK_ROWS: tl.constexpr,  # noqa: N803
    BLOCK_COLUMNS: tl.constexpr,  # noqa: N803
):
    """For BLOCK_ROWS cells of one picture, the nearest of all cells of the other; one pair for each index of axis 1."""
    pair = tl.program_id(1).to(tl.int64)
    row = tl.program_id(0) * BLOCK_ROWS + tl.arange(0, BLOCK_ROWS)
    lane = tl.arange(0, BLOCK_COLUMNS)
    channel = tl.arange(0, CHANNELS_PADDED)
    own = tl.load(
        rows + pair * rows_stride + row[:, None] * CHANNELS + channel[None, :],
        mask=(row[:, None] < row_count) & (channel[None, :] < CHANNELS),
        other=0.0,
    )
    # For each row and each lane the best score of all tiles, and the tile; the lanes are compared once, at the end.
    best = tl.full((BLOCK_ROWS, BLOCK_COLUMNS), float("-inf"), tl.float32)
    best_tile = tl.zeros((BLOCK_ROWS, BLOCK_COLUMNS), tl.int32)
    for start in range(0, column_count, BLOCK_COLUMNS):
        column = start + lane
        other = tl.load(
            columns + pair * columns_stride + column[None, :] * CHANNELS + channel[:, None],
            mask=(column[None, :] < column_count) & (channel[:, None] < CHANNELS),
            other=0.0,
        )
        scores = tl.dot(own, other)
        scores = tl.where(column[None, :] < column_count, scores, float("-inf"))
        is_better = scores > best  # not if equal: the tile that came first has the lower numbers
        best = tl.where(is_better, scores, best)
        best_tile = tl.where(is_better, start, best_tile)
    highest = tl.max(best, axis=1)
    cell = best_tile + lane[None, :]
    first = tl.min(tl.where(best == highest[:, None], cell, 2147483647), axis=1)
    tl.store(nearest + pair * row_count + row, first.to(tl.int64), mask=row < row_count)
