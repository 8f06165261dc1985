"""A closer look at an evaluation: how far a figure may be luck, what size costs, whether scores mean what they say."""

from collections.abc import Mapping
from dataclasses import dataclass

from vision.training.evaluation import Evaluation
from vision.training.interval import bootstrap_ap50
from vision.training.object_size import SizeScore, score_sizes
from vision.training.reliability import calibration_error, measure_reliability


@dataclass(frozen=True, slots=True)
class CloserLook:
    """An evaluation with what stands beside its figures.

    Attributes:
        evaluation: as measured.
        interval_by_class: of AP at IoU 0.50, 95 %, by class name.
        calibration_error_by_class: expected calibration error by class name, 0 to 1.
        size_scores: small, medium, large.
        class_ids: by class name.
    """

    evaluation: Evaluation
    interval_by_class: Mapping[str, tuple[float, float]]
    calibration_error_by_class: Mapping[str, float]
    size_scores: tuple[SizeScore, ...]
    class_ids: Mapping[str, int]

    @property
    def sizes(self) -> tuple[str, ...]:
        """The names of the sizes."""
        return tuple(each.size for each in self.size_scores)

    def by_size(self, size: str, class_name: str) -> tuple[int, float]:
        """Boxes of that size and AP at IoU 0.50 on them; (0, 0.0) where there are none."""
        (found,) = (each for each in self.size_scores if each.size == size)
        class_id = self.class_ids[class_name]
        return found.instances.get(class_id, 0), found.ap50.get(class_id, 0.0)


def measure_closer(evaluation: Evaluation, *, image_size: int) -> CloserLook:
    """Look closer at an evaluation that has its pictures.

    Args:
        evaluation: from `evaluate`.
        image_size: side of the square that the network saw. [px]
    """
    intervals = bootstrap_ap50(evaluation.rows)
    ids = {score.name: score.class_id for score in evaluation.classes}
    return CloserLook(
        evaluation=evaluation,
        interval_by_class={name: intervals[class_id] for name, class_id in ids.items()},
        calibration_error_by_class={
            name: calibration_error(measure_reliability(found)) for name, found in evaluation.matches.items()
        },
        size_scores=score_sizes(evaluation.rows, image_size=image_size),
        class_ids=ids,
    )
