"""The kernels that count mutual nearest cells of two pictures, with or without a floor."""

from llvmlite import ir

from model.cpu_kernels.code import I16, I32, I64, POINTER, Loop, Value, declared, element, i64

COUNT_NAME = "count_mutual"
COUNT_ABOVE_NAME = "count_mutual_above"
SQUARES_NAME = "squares"

TOGETHER = 8  # numbers per step; the channels of a picture are a multiple of it

_DOUBLE = ir.DoubleType()
_WHOLE = ir.VectorType(I32, TOGETHER)
_NUMBERS = ir.VectorType(I16, TOGETHER)


def write_count(module: ir.Module) -> None:
    """Write the function that counts the cells of the candidate that are the nearest of their nearest.

    C declaration::

        int64_t count_mutual(const int32_t *nearest_query, const int32_t *nearest_candidate, int64_t cells)
    """
    function = ir.Function(module, ir.FunctionType(I64, [POINTER, POINTER, I64]), name=COUNT_NAME)
    nearest_query, nearest_candidate, cells = function.args
    build = ir.IRBuilder(function.append_basic_block("entry"))
    with Loop(build, cells, 1, "cell", start=[i64(0)]) as cell:
        _, is_mutual = _mutual(build, nearest_query, nearest_candidate, cell.index)
        total = build.add(cell.carried[0], build.zext(is_mutual, I64))
        cell.carry([total])
    build.ret(total)


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


def write_squares(module: ir.Module) -> None:
    """Write the function that computes the squared length of each cell.

    C declaration::

        void squares(const int16_t *numbers, int64_t cells, int64_t channels, int32_t *squares)

    ``channels`` is a multiple of ``TOGETHER``; both are at least 1. Each square must fit into 32 bits.
    """
    function = ir.Function(module, ir.FunctionType(ir.VoidType(), [POINTER, I64, I64, POINTER]), name=SQUARES_NAME)
    numbers, cells, channels, squares = function.args
    build = ir.IRBuilder(function.append_basic_block("entry"))
    total = declared(module, f"llvm.vector.reduce.add.v{TOGETHER}i32", I32, [_WHOLE])
    with Loop(build, cells, 1, "cell") as cell:
        first = build.mul(cell.index, channels)
        with Loop(build, channels, TOGETHER, "together", start=[ir.Constant(_WHOLE, [0] * TOGETHER)]) as together:
            place = element(build, numbers, build.add(first, together.index), I16)
            loaded = build.sext(build.load(place, typ=_NUMBERS, align=2), _WHOLE)
            sums = build.add(together.carried[0], build.mul(loaded, loaded))
            together.carry([sums])
        build.store(build.call(total, [sums]), element(build, squares, cell.index), align=4)
    build.ret_void()


def _mutual(build: ir.IRBuilder, nearest_query: Value, nearest_candidate: Value, cell: Value) -> tuple[Value, Value]:
    """Return the nearest cell of the query for a cell of the candidate, 64 bits, and whether the pair is mutual."""
    query_cell = build.zext(build.load(element(build, nearest_query, cell), typ=I32, align=4), I64)
    back = build.load(element(build, nearest_candidate, query_cell), typ=I32, align=4)
    return query_cell, build.icmp_signed("==", build.zext(back, I64), cell)
