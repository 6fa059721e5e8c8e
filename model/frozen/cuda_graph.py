"""One forward pass on a GPU, recorded once and replayed: its 350 small kernels then start without Python."""

from collections.abc import Callable

import torch
from torch import Tensor

from model.features import Features

_WARM_UP_RUNS = 3  # libraries choose kernels and take their workspace in the first runs, which must not be recorded


class CudaGraph:
    """A forward pass of one shape. The features that it returns are valid until the next call."""

    def __init__(self, forward: Callable[[Tensor], Features], example: Tensor) -> None:
        """Runs and records.

        Args:
            forward: Without any exchange with the CPU.
            example: An input ``(B, 3, H, W)`` on the GPU; all others must have its shape.
        """
        self._input = example.clone()
        with torch.cuda.device(example.device):
            stream = torch.cuda.Stream()  # type: ignore[no-untyped-call]
            stream.wait_stream(torch.cuda.current_stream())
            with torch.cuda.stream(stream):
                for _ in range(_WARM_UP_RUNS):
                    forward(self._input)
            torch.cuda.current_stream().wait_stream(stream)
            self._graph = torch.cuda.CUDAGraph()
            # Other threads may go on using the GPU meanwhile.
            with torch.cuda.graph(self._graph, capture_error_mode="thread_local"):
                self._output = forward(self._input)

    def __call__(self, images: Tensor) -> Features:
        """Replays the pass for other pictures."""
        self._input.copy_(images)
        self._graph.replay()
        return self._output
