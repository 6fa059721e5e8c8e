"""One forward pass on a GPU, recorded once and replayed: its 350 small kernels then start without Python."""

from collections.abc import Callable

import torch
from torch import Tensor

from model.features import Features

_WARM_UP_RUNS = 3  # libraries choose kernels and take their workspace in the first runs, which must not be recorded


class CudaGraph:
    """A forward pass of always the same number of pictures. Its features are valid until the next call."""

    @torch.inference_mode()
    def __init__(self, forward: Callable[[Tensor], Features], shape: tuple[int, ...], device: torch.device) -> None:
        """Run and record.

        Args:
            forward: A network on a GPU.
            shape: Of the pictures that will go through at a time, ``(B, 3, H, W)``.
            device: The GPU.
        """
        self._input = torch.zeros(shape, device=device)
        with torch.cuda.device(device):
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
        """Replays the pass for other pictures ``(B, 3, H, W)``, B as recorded; in inference mode."""
        self._input.copy_(images)
        self._graph.replay()
        return self._output
