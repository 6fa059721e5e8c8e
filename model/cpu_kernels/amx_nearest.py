"""The kernel that compares all cells of two pictures with products of AMX; codes alone, in eight bits.

It is the loop of ``model.cpu_kernels.nearest`` with blocks of 16 cells of the candidate and 64 of the query. The query
has 16 bits, in two bytes: 256 · high + low. A half of a block is two tiles of products with the high bytes and two with
the low ones. The tiles go through 4 kB of memory, which stay in L1, into vectors of 16 scores, which are compared. The
products of a half are begun before the scores of the half before are compared, so that both run at the same time.

A score is 256 times the first sum plus the second, exact in 32 bits like the scores of the other kernel.
"""

from llvmlite import ir

from model.cpu_kernels import amx_tiles
from model.cpu_kernels.amx_tiles import PlainTiles, ProcessorTiles, Signs, TileCode
from model.cpu_kernels.code import I32, I64, POINTER, Loop, Value, aligned_memory, i32, i64, in_all_lanes, moved
from model.cpu_kernels.comparing import Comparison, nearest_name
from model.cpu_kernels.tiles import AmxTile

_HALVES = 2  # a block has two
_TILES = 2  # side by side in a half
_LANES = 16  # scores in a row of a tile
_STEP_BYTES = _TILES * 2 * amx_tiles.BYTES  # the query for a half and 64 channels
_HIGH, _LOW = (0, 1), (2, 3)  # tiles with the sums
_CANDIDATE, _QUERY = 4, 5
_SS: Signs
_SU: Signs
_SS, _SU = "ss", "su"  # codes and the high bytes are signed

_VECTOR = ir.VectorType(I32, _LANES)


class AmxNearestKernel:
    """Write the function ``nearest_int8`` into a module.

    C declaration::

        void nearest_int8(const uint8_t *query,     // as ``AmxTile.arranged`` says
                          int64_t panels,           // at least 1
                          const int8_t *candidate,  // (cells, channels)
                          int64_t cells,            // a multiple of 16, at least 1
                          int64_t channels,         // a multiple of 64, at least 1
                          const float *weights,     // (cells); a column compares the products of scores and weights
                          int32_t *best,            // (cells), all -2³¹; afterwards the best score of each cell
                          int32_t *nearest_query,   // (cells); which cell of the query has it
                          int32_t *nearest_candidate)  // (panels · 64); which cell of the candidate is nearest

    Each score must fit into 32 bits. The pointers must not overlap. The calling thread's tiles are released.
    """

    def __init__(self, module: ir.Module, tile: AmxTile) -> None:
        signature = ir.FunctionType(ir.VoidType(), [POINTER, I64, POINTER, I64, I64, *[POINTER] * 4])
        function = ir.Function(module, signature, name=nearest_name(tile.numbers))
        for argument in function.args:
            if argument.type == POINTER:
                argument.add_attribute("noalias")
        self._candidate, self._channels = function.args[2], function.args[4]
        build = self._build = ir.IRBuilder(function.append_basic_block("entry"))
        self._tiles: TileCode = PlainTiles(build) if tile.is_plain else ProcessorTiles(build)
        self._sums = aligned_memory(build, len(_HIGH + _LOW) * amx_tiles.BYTES)
        query, panels, _, cells, _, weights, best, nearest_query, nearest_candidate = function.args
        comparisons = [Comparison(build, _LANES, _TILES) for _ in range(_HALVES)]
        half_bytes = build.mul(self._channels, i64(_STEP_BYTES // tile.channels_together))
        last_block = build.sub(cells, i64(tile.rows))
        self._tiles.configure()
        with Loop(build, panels, 1, "panel") as panel:
            panel_bytes = build.mul(half_bytes, i64(_HALVES))
            left = moved(build, query, build.mul(panel.index, panel_bytes))
            right = moved(build, left, half_bytes)
            first_column = build.mul(panel.index, i64(tile.columns))
            columns = [first_column, build.add(first_column, i64(_TILES * _LANES))]
            for comparison in comparisons:
                comparison.start()
            self._multiply(i64(0), left)
            self._store()
            with Loop(build, cells, tile.rows, "block") as block:
                is_last = build.icmp_signed("==", block.index, last_block)
                # After the last block nothing is left to multiply, and any block will do.
                following = build.select(is_last, last_block, build.add(block.index, i64(tile.rows)))
                upcoming = [(block.index, right), (following, left)]
                for comparison, column, (rows, half) in zip(comparisons, columns, upcoming, strict=True):
                    self._multiply(rows, half)
                    self._compare(comparison, block.index, column, [weights, best, nearest_query])
                    self._store()
            for comparison, column in zip(comparisons, columns, strict=True):
                comparison.write_columns(nearest_candidate, column)
        self._tiles.release()
        build.ret_void()

    def _multiply(self, first_row: Value, half: Value) -> None:
        """Sum the products of 16 cells of the candidate and half a panel, over all channels."""
        build, tiles = self._build, self._tiles
        for tile in (*_HIGH, *_LOW):
            tiles.zero(tile)
        rows = moved(build, self._candidate, build.mul(first_row, self._channels))
        with Loop(build, self._channels, amx_tiles.ROW_BYTES, "channels") as channels:
            tiles.load(_CANDIDATE, moved(build, rows, channels.index), self._channels)
            place = moved(build, half, build.mul(channels.index, i64(_STEP_BYTES // amx_tiles.ROW_BYTES)))
            for high, low in zip(_HIGH, _LOW, strict=True):
                for sums, signs in ((low, _SU), (high, _SS)):
                    tiles.load(_QUERY, place, i64(amx_tiles.ROW_BYTES))
                    tiles.multiply(sums, _CANDIDATE, _QUERY, signs=signs)
                    place = moved(build, place, i64(amx_tiles.BYTES))

    def _store(self) -> None:
        """Store the sums, one tile after the other."""
        for number, tile in enumerate((*_HIGH, *_LOW)):
            self._tiles.store(
                tile, moved(self._build, self._sums, i64(number * amx_tiles.BYTES)), i64(amx_tiles.ROW_BYTES)
            )

    def _compare(self, comparison: Comparison, first_row: Value, first_column: Value, found: list[Value]) -> None:
        """Compare the stored scores of a half.

        Args:
            comparison: The comparison of the half.
            first_row: The number of the first row, 64 bits.
            first_column: The number of the first column, 64 bits.
            found: The addresses of the weights, the best scores and the nearest columns of all rows.
        """
        build = self._build
        weights, best, nearest_query = found
        eight = in_all_lanes(build, i32(8), _LANES)
        with Loop(build, i64(amx_tiles.ROWS), 1, "row") as row:
            line = moved(build, self._sums, build.mul(row.index, i64(amx_tiles.ROW_BYTES)))

            def sums(tile: int) -> Value:
                return build.load(moved(build, line, i64(tile * amx_tiles.BYTES)), typ=_VECTOR, align=64)

            scores = [build.add(build.shl(sums(high), eight), sums(low)) for high, low in zip(_HIGH, _LOW, strict=True)]
            number = build.add(first_row, row.index)
            comparison.update_columns([scores], number, weights)
            comparison.update_row(scores, number, first_column, best, nearest_query)
