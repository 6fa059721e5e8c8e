"""NetVLAD's layer (Arandjelović et al., CVPR 2016): differences from cluster centres, softly assigned."""

import torch.nn.functional as F
from torch import Tensor


def sum_differences(cells: Tensor, logits: Tensor, centres: Tensor) -> Tensor:
    """Return for each cluster the sum of all cells' differences from its centre, weighted by the cells' shares.

    Args:
        cells: ``(B, C, N)``, each of length 1.
        logits: ``(B, K, N)``; their softmax over clusters gives the shares of a cell.
        centres: ``(K, C)``.

    Returns:
        ``(B, K, C)``, with length 1 for each cluster.
    """
    shares = logits.softmax(dim=1)
    sums = shares @ cells.transpose(1, 2) - shares.sum(dim=2)[:, :, None] * centres
    return F.normalize(sums, dim=2)
