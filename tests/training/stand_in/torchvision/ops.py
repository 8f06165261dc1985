"""Non-maximum suppression with the signature and the results of `torchvision.ops.nms`."""

import torch


def nms(boxes: torch.Tensor, scores: torch.Tensor, iou_threshold: float) -> torch.Tensor:
    """Indices of the boxes kept by greedy suppression, the best first.

    Args:
        boxes: (N, 4) float, rows (x_min, y_min, x_max, y_max). [px]
        scores: (N,) float.
        iou_threshold: a box that overlaps a better one by more than this is dropped.

    Returns:
        (K,) int64; empty for N of 0.
    """
    area = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    remaining = scores.argsort(descending=True)
    kept: list[torch.Tensor] = []
    while remaining.numel():
        best, rest = remaining[0], remaining[1:]
        kept.append(best)
        corner_min = torch.maximum(boxes[rest, :2], boxes[best, :2])
        corner_max = torch.minimum(boxes[rest, 2:], boxes[best, 2:])
        overlap = (corner_max - corner_min).clamp(min=0).prod(dim=1)
        iou = overlap / (area[rest] + area[best] - overlap)
        remaining = rest[iou <= iou_threshold]
    return torch.stack(kept) if kept else torch.empty(0, dtype=torch.int64)
