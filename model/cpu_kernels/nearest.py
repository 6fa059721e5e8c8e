"""The kernel that compares all cells of two pictures by a matrix product whose result is never written.

A product of 3721 × 128 and 128 × 3721 numbers takes 55 MB, and writing and reading it costs more than computing it.
Here a tile of scores is compared while it is in registers: lane by lane with the best score of each column, and with
the best score of each row. For most tiles a single comparison shows that no score of a row is better.

The kernel as loops::

    for each panel of the query's cells:            # as many as a tile is wide; 16 kB for 128 channels, in L1
        for each block of the candidate's cells:    # as many as a tile is high; the candidate streams from L2
            scores = 0
            for each pair of channels:
                scores += candidate[block, pair] × query[pair, panel]
            update the best of each cell of the panel
            update the best of each cell of the block
"""

from llvmlite import ir

from model.cpu_kernels.code import I64, POINTER, Loop, i64, moved
from model.cpu_kernels.comparing import Comparison, nearest_name
from model.cpu_kernels.pair_products import multiply_pairs
from model.cpu_kernels.tiles import Tile


class NearestKernel:
    """Write the function ``nearest_int16`` into a module.

    C declaration::

        void nearest_int16(const int16_t *query,  // (panels, channels / 2, columns of the tile, 2)
                     int64_t panels,            // at least 1
                     const int16_t *candidate,  // (cells, channels)
                     int64_t cells,             // a multiple of the rows of the tile, at least 1
                     int64_t channels,          // a multiple of 4, at least 1
                     const float *weights,      // (cells); a column compares the products of scores and weights
                     int32_t *best,             // (cells), all -2³¹; afterwards the best score of each cell
                     int32_t *nearest_query,    // (cells); which cell of the query has it
                     int32_t *nearest_candidate)  // (panels · columns); which cell of the candidate is nearest

    Each score must fit into 32 bits. The pointers must not overlap.
    """

    def __init__(self, module: ir.Module, tile: Tile) -> None:
        self._tile = tile
        signature = ir.FunctionType(ir.VoidType(), [POINTER, I64, POINTER, I64, I64, *[POINTER] * 4])
        self._function = ir.Function(module, signature, name=nearest_name(tile.numbers))
        for argument in self._function.args:
            if argument.type == POINTER:
                argument.add_attribute("noalias")
        self._build = ir.IRBuilder(self._function.append_basic_block("entry"))
        self._write()

    def _write(self) -> None:
        query, panels, candidate, cells, channels, weights, best, nearest_query, nearest_candidate = self._function.args
        build, tile = self._build, self._tile
        comparison = Comparison(build, tile.lanes, tile.vectors)
        row_bytes = build.shl(channels, i64(1))
        panel_bytes = build.mul(row_bytes, i64(tile.columns))
        with Loop(build, panels, 1, "panel") as panel:
            first_column = build.mul(panel.index, i64(tile.columns))
            comparison.start()
            columns = moved(build, query, build.mul(panel.index, panel_bytes))
            with Loop(build, cells, tile.rows, "block") as block:
                rows = [moved(build, candidate, build.mul(block.index, row_bytes))]
                for _ in range(1, tile.rows):
                    rows.append(moved(build, rows[-1], row_bytes))
                scores = multiply_pairs(build, tile, rows, columns, channels)
                comparison.update_columns(scores, block.index, weights)
                for number in range(tile.rows):
                    row = build.add(block.index, i64(number))
                    comparison.update_row(scores[number], row, first_column, best, nearest_query)
            comparison.write_columns(nearest_candidate, first_column)
        build.ret_void()
