"""The kernels that count the mutual nearest cells of a query and of many pictures.

Threads share the pictures of one call by a counter: each takes the next picture when it is ready. A thread that begins
late, or loses its core for a while, takes fewer of them, and no thread waits for Python between two pictures.
"""

from llvmlite import ir

from model.cpu_kernels.code import FLOAT, I1, I32, I64, POINTER, Loop, Value, declared, element, i32, i64, moved
from model.cpu_kernels.comparing import SMALLEST, nearest_name
from model.cpu_kernels.rounding import FeatureType, element_type, number_type, reading_name
from model.cpu_kernels.tiles import NumberType

COUNT_ABOVE_NAME = "count_mutual_above"

TOGETHER = 8  # numbers per step; the channels of a picture are a multiple of it

_DOUBLE = ir.DoubleType()
_WHOLE = ir.VectorType(I32, TOGETHER)


def write_count_above(module: ir.Module) -> None:
    """Write the function that counts the mutual pairs with at least the cosine of the floor.

    C declaration::

        int64_t count_mutual_above(const int32_t *nearest_query, const int32_t *nearest_candidate,
                                   const int32_t *best,               // (cells); the score with nearest_query
                                   const int32_t *query_squares,      // squared lengths
                                   const int32_t *candidate_squares,  // (cells)
                                   int64_t cells, double floor)

    The cosine is computed as in ``model.cosines.pair_cosines``, in float64, which holds scores and squared lengths
    exactly; a root and a quotient are the same on every processor. A cell that is all 0 has a score of 0.
    """
    signature = ir.FunctionType(I64, [*[POINTER] * 5, I64, _DOUBLE])
    function = ir.Function(module, signature, name=COUNT_ABOVE_NAME)
    nearest_query, nearest_candidate, best, query_squares, candidate_squares, cells, floor = function.args
    build = ir.IRBuilder(function.append_basic_block("entry"))
    root = declared(module, "llvm.sqrt.f64", _DOUBLE, [_DOUBLE])
    least = ir.Constant(_DOUBLE, 1.0)  # avoids a division by 0; integers that are not all 0 have at least this length

    def number(array: Value, index: Value) -> Value:
        return build.sitofp(build.load(element(build, array, index), typ=I32, align=4), _DOUBLE)

    with Loop(build, cells, 1, "cell", start=[i64(0)]) as cell:
        query_cell, is_mutual = _mutual(build, nearest_query, nearest_candidate, cell.index)
        square = build.fmul(number(query_squares, query_cell), number(candidate_squares, cell.index))
        length = build.call(root, [build.select(build.fcmp_ordered(">", square, least), square, least)])
        reaches = build.fcmp_ordered(">=", build.fdiv(number(best, cell.index), length), floor)
        total = build.add(cell.carried[0], build.zext(build.and_(is_mutual, reaches), I64))
        cell.carry([total])
    build.ret(total)


def finding_name(kind: FeatureType) -> str:
    """Return the name of the function that finds the nearest cells of features of a type, or of codes."""
    return f"find_{kind}"


def counting_name(kind: FeatureType) -> str:
    """Return the name of the function that counts for features of a type, or for codes."""
    return f"count_{kind}"


def write_finding(module: ir.Module, kind: FeatureType, numbers_are: NumberType) -> None:
    """Write the function that reads a candidate, and finds the nearest cells in both directions.

    C declaration::

        void find_KIND(const void *query, int64_t panels,  // as ``nearest_NUMBER`` reads it
                       const KIND *candidate, int64_t cells, int64_t channels,
                       int64_t rows,                // cells, filled up to a multiple of the tile's rows
                       NUMBER *numbers,             // (rows, channels)
                       int32_t *squares,            // (rows); squared lengths
                       float *weights,              // (rows)
                       int32_t *best,               // (rows)
                       int32_t *nearest_query,      // (rows)
                       int32_t *nearest_candidate)  // (panels · columns)

    The last six are written. Copies of the first cell fill up the candidate; they never win against the first. The
    weight of a cell of features is 1, and that of a cell of codes 1 divided by its length; codes that are all 0 have
    scores of 0, and a weight of 1.
    """
    number = number_type(numbers_are)
    arguments = [POINTER, I64, POINTER, I64, I64, I64, *[POINTER] * 6]
    function = ir.Function(module, ir.FunctionType(ir.VoidType(), arguments), name=finding_name(kind))
    query, panels, candidate, cells, channels, rows, numbers, squares, weights, *found = function.args
    build = ir.IRBuilder(function.append_basic_block("entry"))
    build.call(module.globals[reading_name(kind)], [candidate, cells, channels, numbers])
    copy = declared(module, "llvm.memcpy.p0.p0.i64", ir.VoidType(), [POINTER, POINTER, I64, I1])
    row_bytes, missing = build.mul(channels, i64(number.width // 8)), build.sub(rows, cells)
    with build.if_then(build.icmp_signed(">", missing, i64(0))), Loop(build, missing, 1, "copy") as added:
        place = moved(build, numbers, build.mul(build.add(cells, added.index), row_bytes))
        build.call(copy, [place, numbers, row_bytes, ir.Constant(I1, 0)])
    build.call(module.globals[squares_name(numbers_are)], [numbers, rows, channels, squares])
    one = ir.Constant(FLOAT, 1.0)
    with Loop(build, rows, 1, "row") as row:
        weight = one
        if kind == "int8":
            root = declared(module, "llvm.sqrt.f32", FLOAT, [FLOAT])
            square = build.sitofp(build.load(element(build, squares, row.index), typ=I32, align=4), FLOAT)
            positive = build.select(build.fcmp_ordered(">", square, one), square, one)
            weight = build.fdiv(one, build.call(root, [positive]))
        build.store(weight, element(build, weights, row.index, FLOAT), align=4)
        build.store(i32(SMALLEST), element(build, found[0], row.index), align=4)
    build.call(module.globals[nearest_name(numbers_are)], [query, panels, numbers, rows, channels, weights, *found])
    build.ret_void()


def write_counting(module: ir.Module, kind: FeatureType) -> None:
    """Write the function that counts the mutual pairs of a query with candidates, until none is left to take.

    C declaration::

        void count_KIND(const void *query, int64_t panels, const int32_t *query_squares,
                        const KIND *candidates,  // (count, cells, channels)
                        int64_t count, int64_t cells, int64_t channels, int64_t rows,
                        double floor,            // the least cosine of a pair; -∞ for all pairs
                        NUMBER *numbers, int32_t *squares, float *weights, int32_t *best, int32_t *nearest_query,
                        int32_t *nearest_candidate,  // this and the five before are the memory of one thread
                        int64_t *taken,          // 0 before the first call; all threads share it
                        int64_t *counts)         // (count)
    """
    arguments = [POINTER, I64, POINTER, POINTER, I64, I64, I64, I64, _DOUBLE, *[POINTER] * 8]
    function = ir.Function(module, ir.FunctionType(ir.VoidType(), arguments), name=counting_name(kind))
    query, panels, query_squares, candidates, count, cells, channels, rows, floor = function.args[:9]
    numbers, squares, weights, best, nearest_query, nearest_candidate, taken, counts = function.args[9:]
    build = ir.IRBuilder(function.append_basic_block("entry"))
    take, compare, done = (function.append_basic_block(name) for name in ("take", "compare", "done"))
    build.branch(take)
    build.position_at_end(take)
    number = build.atomic_rmw("add", taken, i64(1), "monotonic")
    build.cbranch(build.icmp_signed("<", number, count), compare, done)
    build.position_at_end(compare)
    first = build.mul(number, build.mul(cells, channels))
    candidate = element(build, candidates, first, element_type(kind))
    shapes, found = [cells, channels, rows], [nearest_query, nearest_candidate]
    memory = [numbers, squares, weights, best, *found]
    build.call(module.globals[finding_name(kind)], [query, panels, candidate, *shapes, *memory])
    total = build.call(module.globals[COUNT_ABOVE_NAME], [*found, best, query_squares, squares, cells, floor])
    build.store(total, element(build, counts, number, I64), align=8)
    build.branch(take)
    build.position_at_end(done)
    build.ret_void()


def squares_name(numbers: NumberType) -> str:
    """Return the name of the function that computes the squared lengths of cells of a type."""
    return f"squares_{numbers}"


def write_squares(module: ir.Module, numbers_are: NumberType) -> None:
    """Write the function that computes the squared length of each cell.

    C declaration::

        void squares_NUMBER(const NUMBER *numbers, int64_t cells, int64_t channels, int32_t *squares)

    ``channels`` is a multiple of ``TOGETHER``; both are at least 1. Each square must fit into 32 bits.
    """
    signature = ir.FunctionType(ir.VoidType(), [POINTER, I64, I64, POINTER])
    function = ir.Function(module, signature, name=squares_name(numbers_are))
    number = number_type(numbers_are)
    numbers, cells, channels, squares = function.args
    build = ir.IRBuilder(function.append_basic_block("entry"))
    total = declared(module, f"llvm.vector.reduce.add.v{TOGETHER}i32", I32, [_WHOLE])
    with Loop(build, cells, 1, "cell") as cell:
        first = build.mul(cell.index, channels)
        with Loop(build, channels, TOGETHER, "together", start=[ir.Constant(_WHOLE, [0] * TOGETHER)]) as together:
            place = element(build, numbers, build.add(first, together.index), number)
            numbers_here = build.load(place, typ=ir.VectorType(number, TOGETHER), align=number.width // 8)
            loaded = build.sext(numbers_here, _WHOLE)
            sums = build.add(together.carried[0], build.mul(loaded, loaded))
            together.carry([sums])
        build.store(build.call(total, [sums]), element(build, squares, cell.index), align=4)
    build.ret_void()


def _mutual(build: ir.IRBuilder, nearest_query: Value, nearest_candidate: Value, cell: Value) -> tuple[Value, Value]:
    """Return the nearest cell of the query for a cell of the candidate, 64 bits, and whether the pair is mutual."""
    query_cell = build.zext(build.load(element(build, nearest_query, cell), typ=I32, align=4), I64)
    back = build.load(element(build, nearest_candidate, query_cell), typ=I32, align=4)
    return query_cell, build.icmp_signed("==", build.zext(back, I64), cell)
