"""The hazard rules as data: their schema, the YAML file, and what a project changes. Judging by them is elsewhere.

Reads no pixels, so that the web process may refuse a senseless change with its reason.
"""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import time
from functools import cache
from pathlib import Path
from typing import Annotated, Any, ClassVar, Final

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from domain.errors import Invalid
from domain.finding import Severity
from domain.project import ProjectKind

DEFAULT_FILE: Final = Path(__file__).with_name("hazard_rules.yaml")
_LARGEST_FILE_BYTES: Final = 100_000
_DAY_S: Final = 86_400
_LINE_IN_YAML: Final = re.compile(r"line (\d+)")

Label = Annotated[str, Field(min_length=1, max_length=64, description="name of a class that a model knows")]
Labels = Annotated[tuple[Label, ...], Field(min_length=1, max_length=20)]
Seconds = Annotated[float, Field(ge=0, le=_DAY_S)]
TimeOfDay = Annotated[str, Field(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$", description="HH:MM, quoted in YAML")]
Score = Annotated[float, Field(ge=0, le=1)]
Height = Annotated[float, Field(ge=8, le=640, description="of a person as the network saw them [px]")]
BodyHeight = Annotated[float, Field(ge=1.2, le=2.2, description="of a standing person, where nothing else scales [m]")]


class MalformedHazardRules(Invalid):
    """A rule or a field that does not exist, is missing, or has a senseless value."""

    code: ClassVar[str] = "hazard_rules.malformed"


class UnknownHazardClass(Invalid):
    """An enabled rule names a class that no registered model knows."""

    code: ClassVar[str] = "hazard_rules.unknown_class"


class UnreadableHazardRules(Invalid):
    """The file is not there, or is not YAML."""

    code: ClassVar[str] = "hazard_rules.unreadable"


class _Shape(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class WorkingHours(_Shape):
    """From `start` to before `end`; over midnight where `end` is the earlier one."""

    start: TimeOfDay
    end: TimeOfDay

    @model_validator(mode="after")
    def require_span(self) -> "WorkingHours":
        """Refuse a span of which nobody can say whether it is nothing or everything."""
        if self.start == self.end:
            raise ValueError("start and end are the same: leave working_hours null for always")
        return self

    def holds(self, at: time) -> bool:
        """Whether a time of day lies within."""
        start, end = time.fromisoformat(self.start), time.fromisoformat(self.end)
        return start <= at < end if start < end else at >= start or at < end


class Rule(_Shape):
    """What every rule has."""

    version: Annotated[int, Field(ge=1, description="grows whenever the rule or a figure of it changes")]
    enabled: bool
    severity: Severity
    dwell_s: Annotated[Seconds, Field(description="so long it must last before it is told [s]")]
    cooldown_s: Annotated[Seconds, Field(description="of one camera, the same thing is told once within this [s]")]
    working_hours: WorkingHours | None

    @property
    def labels(self) -> tuple[str, ...]:
        """The classes that it cannot do without."""
        return ("person",)


class NoHardhat(Rule):
    """A person wears no hard hat."""

    clear_margin: Annotated[Score, Field(description="the bare head must lead a helmet on the same spot by this")]
    lone_score: Annotated[Score, Field(description="from which a bare head counts although no person was seen")]
    min_person_height_px: Height

    @property
    def labels(self) -> tuple[str, ...]:
        """The classes that it cannot do without."""
        return ("person", "hardhat", "no_hardhat")


class NoVest(Rule):
    """A person wears no high-visibility vest."""

    clear_margin: Annotated[Score, Field(description="the bare torso must lead a vest on the same spot by this")]
    min_person_height_px: Height

    @property
    def labels(self) -> tuple[str, ...]:
        """The classes that it cannot do without."""
        return ("person", "vest", "no_vest")


class MachineryReach(Rule):
    """A person stands within reach of machinery."""

    machinery: Labels
    reach_m: Annotated[float, Field(ge=0.5, le=60, description="from the machine's undercarriage, on the ground [m]")]
    machinery_depth_m: Annotated[float, Field(ge=0, le=20, description="of its undercarriage, away from us [m]")]
    body_height_m: BodyHeight

    @property
    def labels(self) -> tuple[str, ...]:
        """The classes that it cannot do without."""
        return ("person", *self.machinery)


class ZoneEntry(Rule):
    """A person stands in a zone that is drawn on a fixed camera's picture."""


class NoCones(Rule):
    """People are at work on a road, and no cone is in sight."""

    cones: Labels
    project_kinds: Annotated[tuple[ProjectKind, ...], Field(min_length=1)]
    min_view_m: Annotated[float, Field(ge=1, le=200, description="a narrower view cannot tell [m]")]
    body_height_m: BodyHeight

    @property
    def labels(self) -> tuple[str, ...]:
        """The classes that it cannot do without."""
        return ("person", *self.cones)


class LoneWorker(Rule):
    """A fixed camera sees one person, and nobody else, for long."""

    @model_validator(mode="after")
    def require_dwell(self) -> "LoneWorker":
        """Refuse to call somebody alone who was seen alone for a moment."""
        if self.dwell_s <= 0:
            raise ValueError("dwell_s must be above 0: one picture of one person shows nobody's loneliness")
        return self


class CrowdingUnderLoad(Rule):
    """Several people stand under a lifted load."""

    loads: Labels
    min_persons: Annotated[int, Field(ge=1, le=100)]
    margin_bodies: Annotated[float, Field(ge=0, le=10, description="beside the load, in heights of the person")]

    @property
    def labels(self) -> tuple[str, ...]:
        """The classes that it cannot do without."""
        return ("person", *self.loads)


class HazardRules(_Shape):
    """Siteproof's hazard rules: what is a danger, how grave it is, and when it is told."""

    no_hardhat: NoHardhat
    no_vest: NoVest
    machinery_reach: MachineryReach
    exclusion_zone: ZoneEntry
    no_cones: NoCones
    lone_worker: LoneWorker
    crowding_under_load: CrowdingUnderLoad

    def by_name(self) -> dict[str, Rule]:
        """The rules by their names, in the file's order."""
        return {name: getattr(self, name) for name in type(self).model_fields}


@dataclass(frozen=True, slots=True)
class RulesInForce:
    """The rules that a medium is judged by.

    Attributes:
        rules: with the project's changes.
        changed: the names of those that the project changed.
        project_version: of its changes; None where it has none.
    """

    rules: HazardRules
    changed: frozenset[str] = frozenset()
    project_version: int | None = None

    def version_of(self, name: str) -> str:
        """Such as `1`, and `1+3` where the project's third version changes the rule."""
        version = str(self.rules.by_name()[name].version)
        return f"{version}+{self.project_version}" if name in self.changed else version


@cache
def load_default_rules() -> HazardRules:
    """The rules that come with the product, read once a process."""
    return load_hazard_rules(DEFAULT_FILE)


def load_hazard_rules(path: Path) -> HazardRules:
    """Read a YAML file of all rules.

    Raises:
        UnreadableHazardRules: it is not there, or is not YAML.
        MalformedHazardRules: a rule or field is missing, unknown or senseless; names the field and its line.
    """
    try:
        with path.open("rb") as file:
            data = file.read(_LARGEST_FILE_BYTES + 1)
        if len(data) > _LARGEST_FILE_BYTES:
            raise UnreadableHazardRules(f"{path.name} is larger than {_LARGEST_FILE_BYTES} bytes")
        text = data.decode("utf-8")
        content, tree = yaml.safe_load(text), yaml.compose(text, Loader=yaml.SafeLoader)
    except OSError as error:
        raise UnreadableHazardRules(f"{path.name} cannot be read: {error.strerror}") from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise UnreadableHazardRules(f"{path.name} is not YAML: {_tell_place(error)}") from error
    if not isinstance(content, dict) or tree is None:
        raise UnreadableHazardRules(f"{path.name} is no mapping of rules")
    return _validate(content, lines=_find_lines(tree), name=path.name)


def change_hazard_rules(rules: HazardRules, *, given: Mapping[str, Mapping[str, Any]], version: int) -> RulesInForce:
    """Apply a project's changes, field by field.

    Args:
        rules: the file's.
        given: by rule, the fields that differ; `version` is not among them, for it is the file's.
        version: of these changes.

    Raises:
        MalformedHazardRules: a rule or field that does not exist, or a senseless value; names the field.
    """
    content = rules.model_dump(mode="json")
    for name, fields in given.items():
        if name not in content:
            raise MalformedHazardRules(
                f"there is no rule {name[:64]!r}: there are {', '.join(content)}", field=name[:64]
            )
        if "version" in fields:
            raise MalformedHazardRules(f"{name}.version is the file's own", field=f"{name}.version")
        content[name] |= fields
    changed = frozenset(name for name, fields in given.items() if fields)
    return RulesInForce(_validate(content, lines={}, name="rules"), changed, version)


def find_unknown_classes(rules: HazardRules, known: Iterable[str]) -> dict[str, list[str]]:
    """By rule, enabled or not, the classes that it needs and that are not known; a rule that lacks none is left out."""
    knows = frozenset(known)
    lacking = {name: [label for label in rule.labels if label not in knows] for name, rule in rules.by_name().items()}
    return {name: labels for name, labels in lacking.items() if labels}


def require_known_classes(rules: HazardRules, known: Iterable[str]) -> None:
    """Refuse an enabled rule that no registered model can serve.

    Raises:
        UnknownHazardClass: names the rule and the class.
    """
    names = sorted(known)
    by_name = rules.by_name()
    for name, labels in find_unknown_classes(rules, names).items():
        if by_name[name].enabled:
            raise UnknownHazardClass(
                f"{name} needs the class {labels[0]}, which no registered model knows; known are {', '.join(names)}",
                rule=name,
                classes=labels,
                known=names,
            )


def make_schema() -> dict[str, Any]:
    """The JSON schema (2020-12) of the YAML file."""
    schema = HazardRules.model_json_schema()
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


def _validate(content: Mapping[str, Any], *, lines: Mapping[tuple[str, ...], int], name: str) -> HazardRules:
    try:
        # Strict, or "yes" would pass for true and "1" for 1; as JSON, in which a text may still name a severity.
        return HazardRules.model_validate_json(json.dumps(content, default=str), strict=True)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        path = tuple(str(part) for part in first["loc"])
        field = ".".join(path)
        # A missing field has no line of its own: that of the mapping which lacks it is told.
        line = next((lines[path[:end]] for end in range(len(path), 0, -1) if path[:end] in lines), None)
        where = f"{name}, line {line}: " if line is not None else ""
        told = first["msg"].removeprefix("Value error, ")
        if "working_hours" in path and first["type"] == "string_type":
            told = 'a time is a text like "19:00", in quotes'
        facts = {"field": field} | ({} if line is None else {"line": line})
        raise MalformedHazardRules(f"{where}{field}: {told}", **facts) from error


def _find_lines(tree: yaml.Node, path: tuple[str, ...] = ()) -> dict[tuple[str, ...], int]:
    """The line, from 1, of every key and list item.

    Raises:
        MalformedHazardRules: a key stands twice, of which YAML would silently take the second.
    """
    lines: dict[tuple[str, ...], int] = {}
    if isinstance(tree, yaml.MappingNode):
        pairs = [(str(key.value), key, value) for key, value in tree.value]
    elif isinstance(tree, yaml.SequenceNode):
        pairs = [(str(index), value, value) for index, value in enumerate(tree.value)]
    else:
        return lines
    for key, marked, value in pairs:
        line = marked.start_mark.line + 1
        if (*path, key) in lines:
            field = ".".join((*path, key))
            raise MalformedHazardRules(f"line {line}: {field} stands twice", field=field, line=line)
        lines[(*path, key)] = line
        lines |= _find_lines(value, (*path, key))
    return lines


def _tell_place(error: Exception) -> str:
    found = _LINE_IN_YAML.findall(str(error))
    return f"line {found[-1]}" if found else "it cannot be parsed"
