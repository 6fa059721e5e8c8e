"""One forward pass on a GPU, recorded once and replayed, so that its 350 small kernels start without Python."""

from collections.abc import Callable

import torch
from torch import Tensor

from model.features import Features

_WARM_UP_RUNS = 3  # in the first runs libraries choose kernels and allocate workspace, which must not be recorded


class CudaGraph:
    """Replay a forward pass with a fixed number of pictures. Its features are valid until the next call."""

    @torch.inference_mode()
    def __init__(self, forward: Callable[[Tensor], Features], shape: tuple[int, ...], device: torch.device) -> None:
        """Run and record the forward pass.

        Args:
            forward: A network on a GPU.
            shape: The shape of the pictures per pass, ``(B, 3, H, W)``.
            device: The GPU.
        """
        self._forward = forward  # a replay reads its weights: without this their memory would be given to others
        self._input = torch.zeros(shape, device=device)
        with torch.cuda.device(device):
            stream = torch.cuda.Stream()  # type: ignore[no-untyped-call]
            stream.wait_stream(torch.cuda.current_stream())
            with torch.cuda.stream(stream):
                for _ in range(_WARM_UP_RUNS):
                    forward(self._input)
            torch.cuda.current_stream().wait_stream(stream)
            self._graph = torch.cuda.CUDAGraph()
            # Other threads may use the GPU meanwhile.
            with torch.cuda.graph(self._graph, capture_error_mode="thread_local"):
                self._output = forward(self._input)

    def __call__(self, images: Tensor) -> Features:
        """Replay the pass for other pictures ``(B, 3, H, W)``, with the recorded B; in inference mode."""
        self._input.copy_(images)
        self._graph.replay()
        return self._output
