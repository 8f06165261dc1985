"""`/v1/models`: which models look at photos and clips, and what their classes are called."""

from typing import Annotated

from fastapi import APIRouter, Depends

from api.access import EVERYBODY, Allowed, Asker, see_nothing
from api.paging import After, Limit, make_collection
from api.schemas import Collection, Shape
from storage.page import cut_page, decode_cursor
from vision.weights import ModelManifest

router = APIRouter(prefix="/v1", tags=["media"])


class ModelClassView(Shape):
    """A class: its own name in the model, its label in detections (null: never told), the score that it needs."""

    name: str
    label: str | None
    threshold: float


class ModelView(Shape):
    """A model."""

    name: str
    version: str
    sha256: str
    licence: str
    classes: list[ModelClassView]

    @classmethod
    def of(cls, manifest: ModelManifest) -> "ModelView":
        """The wire's shape of a manifest."""
        rows = zip(manifest.classes, manifest.labels, manifest.threshold_by_class(), strict=True)
        return cls(
            name=manifest.name,
            version=manifest.version,
            sha256=manifest.sha256,
            licence=manifest.licence,
            classes=[ModelClassView(name=name, label=label, threshold=threshold) for name, label, threshold in rows],
        )


@router.get("/models")
def list_models_route(
    asker: Annotated[Asker[None], Depends(Allowed(EVERYBODY, see_nothing))], limit: Limit, after: After = None
) -> Collection[ModelView]:
    """The shipped model and those that the operator added; workers take them up when they start."""
    (first,) = decode_cursor(after)
    rows = [(number, each) for number, each in enumerate(asker.services.models(), start=1) if number > first]
    page = cut_page(rows[: limit + 1], limit=limit)
    return make_collection(page, [ModelView.of(each) for each in page.items])
