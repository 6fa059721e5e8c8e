"""The task of a kernel that a team of threads runs: an array of whole numbers and addresses, and a counter of items."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np
from llvmlite import ir

from model.cpu_kernels.code import I64, POINTER, Loop, Value, element, i64
from model.team import run_in_team


def run_task(function: int, fields: Sequence[str], **values: int) -> None:
    """Run a kernel in a team of threads.

    Args:
        function: The address of the kernel.
        fields: The names of its task's fields.
        values: The values of all fields but the counters, which begin at 0.
    """
    task = np.array([values.get(name, 0) for name in fields], np.int64)
    run_in_team(function, task.ctypes.data)


class Task:
    """Write code that reads a task.

    Args:
        build: The builder of the function.
        address: The address of the task.
        fields: The names of the fields, in their order.
    """

    def __init__(self, build: ir.IRBuilder, address: Value, fields: Sequence[str]) -> None:
        self._build = build
        self._address = address
        self._fields = list(fields)

    def number(self, name: str) -> Value:
        """Return a whole number, 64 bits."""
        return self._build.load(self._place(name), typ=I64, align=8)

    def pointer(self, name: str) -> Value:
        """Return an address."""
        return self._build.load(self._place(name), typ=POINTER, align=8)

    def next_of(self, counter: str) -> Value:
        """Count one more; return the number before."""
        return self._build.atomic_rmw("add", self._place(counter), i64(1), "monotonic")

    @contextmanager
    def items(self, counter: str, count: Value, together: int = 1) -> Iterator[Value]:
        """Write a loop over the items that this thread takes, as a context; yield the number of an item.

        Args:
            counter: The field that counts the items that were taken.
            count: The number of all items, 64 bits, at least 1.
            together: How many a thread takes at once.
        """
        build = self._build
        take, work, done = (build.append_basic_block(name) for name in ("take", "work", "done"))
        build.branch(take)
        build.position_at_end(take)
        first = build.atomic_rmw("add", self._place(counter), i64(together), "monotonic")
        build.cbranch(build.icmp_signed("<", first, count), work, done)
        build.position_at_end(work)
        left = build.sub(count, first)
        several = build.select(build.icmp_signed("<", left, i64(together)), left, i64(together))
        with Loop(build, several, 1, "item") as item:
            yield build.add(first, item.index)
        build.branch(take)
        build.position_at_end(done)

    def _place(self, name: str) -> Value:
        return element(self._build, self._address, i64(self._fields.index(name)), I64)
