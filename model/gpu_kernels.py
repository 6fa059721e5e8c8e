"""The Triton kernel behind ``model.gpu_matching``; importing this needs Triton."""

import triton
import triton.language as tl


# No types: Triton's compiler looks annotations up among the constants of the kernel.
@triton.jit  # type: ignore[untyped-decorator]
def nearest_kernel(  # type: ignore[no-untyped-def]
    rows,
    columns,
    nearest,
    row_count,
    column_count,
    rows_stride,
    columns_stride,
    CHANNELS: tl.constexpr,  # noqa: N803 - Triton's convention for compile-time constants
    CHANNELS_PADDED: tl.constexpr,  # noqa: N803
    BLOCK_ROWS: tl.constexpr,  # noqa: N803
    BLOCK_COLUMNS: tl.constexpr,  # noqa: N803
):
    """Find the nearest of all cells of one picture for BLOCK_ROWS cells of the other; axis 1 numbers the pairs."""
    pair = tl.program_id(1).to(tl.int64)
    row = tl.program_id(0) * BLOCK_ROWS + tl.arange(0, BLOCK_ROWS)
    lane = tl.arange(0, BLOCK_COLUMNS)
    channel = tl.arange(0, CHANNELS_PADDED)
    own = tl.load(
        rows + pair * rows_stride + row[:, None] * CHANNELS + channel[None, :],
        mask=(row[:, None] < row_count) & (channel[None, :] < CHANNELS),
        other=0.0,
    )
    # The best score of all tiles for each row and lane, and its tile; the lanes are compared once, at the end.
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
        is_better = scores > best  # equal scores keep the earlier tile, which has the lower numbers
        best = tl.where(is_better, scores, best)
        best_tile = tl.where(is_better, start, best_tile)
    highest = tl.max(best, axis=1)
    cell = best_tile + lane[None, :]
    first = tl.min(tl.where(best == highest[:, None], cell, 2147483647), axis=1)
    tl.store(nearest + pair * row_count + row, first.to(tl.int64), mask=row < row_count)
