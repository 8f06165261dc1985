"""Templates of milestones: the usual stages of small works, read from `milestone_templates.yaml`.

`requires` of a stage can be set as it stands. What a drawing and a standard must give is named in `to_set`, without any
figure.
"""

from functools import cache
from pathlib import Path
from typing import Annotated, Any, Final

import yaml
from pydantic import BaseModel, ConfigDict, Field, model_validator

from domain.identifier import CALLER_ID_PATTERN
from domain.project import ProjectKind

_FILE: Final = Path(__file__).with_name("milestone_templates.yaml")
_CLAUSE: Final = {
    "zh": "条款号与允许偏差须查阅现行版本，并由县（区）主管部门确定；名义值按设计图。",
    "en": "Look the clause and the tolerance up in the edition in force; the county must set or confirm them. The "
    "nominal value is the drawing's.",
}

Identifier = Annotated[str, Field(pattern=CALLER_ID_PATTERN)]


class _Part(BaseModel):
    """Common to all: what is misspelt is refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Words(_Part):
    """A text in both languages."""

    zh: Annotated[str, Field(min_length=1)]
    en: Annotated[str, Field(min_length=1)]


class QuantityToSet(_Part):
    """A dimension whose nominal value and tolerance somebody must set.

    Attributes:
        standard: its number and title, which is where the tolerance is looked up.
        where: the part of it.
        must_confirm: who gives the figures.
    """

    quantity: Identifier
    standard: Annotated[str, Field(min_length=1)]
    where: Words
    must_confirm: Words = Words(**_CLAUSE)


class TemplateStage(_Part):
    """One stage.

    Attributes:
        concealed: the next stage covers it for good.
        after: the stages of this template that come before it.
        requires: as a milestone takes it.
    """

    id: Identifier
    title: Words
    concealed: bool = False
    after: tuple[Identifier, ...] = ()
    requires: dict[str, Any]
    to_set: tuple[QuantityToSet, ...]


class MilestoneTemplate(_Part):
    """The stages of one kind of work, in their order."""

    id: Identifier
    kind: ProjectKind
    title: Words
    stages: Annotated[tuple[TemplateStage, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def check_order(self) -> "MilestoneTemplate":
        """Each stage comes after stages that stand before it."""
        seen: set[str] = set()
        for stage in self.stages:
            if stage.id in seen or not seen.issuperset(stage.after):
                raise ValueError(f"{self.id}.{stage.id} stands twice, or comes after a stage that is not before it")
            seen.add(stage.id)
        return self


@cache
def load_templates() -> tuple[MilestoneTemplate, ...]:
    """The templates of this release, read once a process."""
    content = yaml.safe_load(_FILE.read_text(encoding="utf-8"))
    return tuple(MilestoneTemplate.model_validate(each) for each in content)
