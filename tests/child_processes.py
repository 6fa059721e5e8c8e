"""Child processes that begin within milliseconds: they come from a server that has imported nearly everything."""

from multiprocessing import get_context
from multiprocessing.context import ForkServerContext


def child_context() -> ForkServerContext:
    context = get_context("forkserver")
    context.set_forkserver_preload(["index_builder.map_builder", "model.training.trainer"])
    return context
