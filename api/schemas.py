"""The shapes that go over the wire, in snake_case; times RFC 3339 in UTC."""

from datetime import UTC, date, datetime
from typing import Annotated, Any, Generic, Literal, TypeVar
from uuid import UUID
from zoneinfo import ZoneInfo, available_timezones

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, model_validator

from domain.access import Role
from domain.alarm import EndReason, GaugeFault
from domain.camera import Camera
from domain.camera_health import state_from_json
from domain.checkin import Checkin
from domain.evidence import Check, CheckName, Grade, Verdict
from domain.finding import Decision, Finding, FindingStatus, Kind, Severity
from domain.identifier import CALLER_ID_PATTERN
from domain.issue import Issue, IssueStatus, Transition
from domain.media import MediaFormat, MediaStatus, Medium
from domain.place import Placement as PlacedFix
from domain.place import Position, Side, position_to_json
from domain.project import Milestone, Project, ProjectClass, ProjectKind
from domain.report import Report, ReportStatus, may_know_reporter
from domain.sensor import Placement, Sensor, SensorEvent, SensorKind, SensorProfile, Suppression
from findings.coverage import NotPlaced, StationSide
from storage.camera_health import CameraHealthRow
from vision.hazard_rules import HazardRules, TimeOfDay

T = TypeVar("T")

CallerId = Annotated[str, Field(pattern=CALLER_ID_PATTERN)]
Text = Annotated[str, Field(min_length=1, max_length=500)]


def _require_time_zone(name: str) -> str:
    if name not in available_timezones():
        raise ValueError(f"{name[:60]!r} is not an IANA time zone")
    return str(ZoneInfo(name))


def view_position(position: Position | None) -> dict[str, Any] | None:
    """A position as a GeoJSON Point in WGS 84, with our own members beside it."""
    if position is None:
        return None
    return {"type": "Point", "coordinates": [position.lon, position.lat], **position_to_json(position)}


class Shape(BaseModel):
    """Common to all: what is misspelt is refused, not lost."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False, from_attributes=True)


class Collection(Shape, Generic[T]):
    """A page of a collection."""

    items: list[T]
    next: str | None


class GivenPosition(Shape):
    """A position as a caller gives it: `lon` and `lat`, or a GeoJSON Point; `crs` is WGS 84 where silent."""

    lon: float
    lat: float
    accuracy_m: float | None = None
    crs: str = "wgs84"
    source: Annotated[str, Field(max_length=64)] | None = None
    altitude_m: float | None = None
    bearing_deg: float | None = None

    @model_validator(mode="before")
    @classmethod
    def read_point(cls, value: object) -> object:
        """Take a GeoJSON Point for what it is."""
        if not isinstance(value, dict) or value.get("type") != "Point":
            return value
        match value.get("coordinates"):
            case [lon, lat] | [lon, lat, _]:
                others = {key: each for key, each in value.items() if key not in {"type", "coordinates"}}
                return {**others, "lon": lon, "lat": lat}
            case _:
                raise ValueError("a Point has two coordinates: longitude, latitude")


class ProjectBody(Shape):
    """What `PUT /v1/projects/{project_id}` takes."""

    name: Text
    kind: ProjectKind
    area: Annotated[str, Field(max_length=200)]
    contractor: Text | None = None
    starts_on: date | None = None
    ends_on: date | None = None
    time_zone: Annotated[str, AfterValidator(_require_time_zone)] = "Asia/Shanghai"
    position: GivenPosition | None = None
    class_: Annotated[ProjectClass, Field(alias="class")] = ProjectClass.B


class ProjectView(Shape):
    """A project."""

    id: str
    name: str
    kind: ProjectKind
    area: str
    contractor: str | None
    starts_on: date | None
    ends_on: date | None
    time_zone: str
    position: dict[str, Any] | None
    class_: Annotated[ProjectClass, Field(serialization_alias="class")]
    public_code: str
    created_at: datetime

    @classmethod
    def of(cls, project: Project) -> "ProjectView":
        """The view of a stored project."""
        return cls(
            id=project.id,
            name=project.name,
            kind=project.kind,
            area=project.area,
            contractor=project.contractor,
            starts_on=project.starts_on,
            ends_on=project.ends_on,
            time_zone=project.time_zone,
            position=view_position(project.position),
            class_=project.project_class,
            public_code=project.public_code,
            created_at=project.created_at,
        )


class ZoneView(Shape):
    """A boundary or alignment: a Feature in WGS 84, with the one that was given beside it."""

    type: Literal["Feature"] = "Feature"
    geometry: dict[str, Any]
    properties: dict[str, Any]
    given: dict[str, Any]


Share = Annotated[float, Field(ge=0, le=1, description="of the upright picture's width or height")]
Metres = Annotated[float, Field(ge=-1_000_000_000, le=1_000_000_000)]


class ZoneShape(Shape):
    """An area of a fixed camera's picture in which nobody may stand."""

    id: CallerId
    name: Text
    polygon: Annotated[
        list[tuple[Share, Share]], Field(min_length=3, max_length=100, description="corners in order, as [x, y]")
    ]


class GroundPointShape(Shape):
    """A point of the ground that was found in the picture."""

    image: tuple[Share, Share]
    ground_m: tuple[Metres, Metres]


class WorkingHoursShape(Shape):
    """From `start` to before `end` in the project's time zone; over midnight where `end` is the earlier one."""

    start: TimeOfDay
    end: TimeOfDay

    @model_validator(mode="after")
    def require_span(self) -> "WorkingHoursShape":
        """Refuse a span of which nobody can say whether it is nothing or everything."""
        if self.start == self.end:
            raise ValueError("start and end are the same: leave working_hours null for always")
        return self


CameraState = Literal["sending", "unreachable"]


class CameraBody(Shape):
    """What `PUT .../cameras/{camera_id}` takes."""

    name: Text
    zones: Annotated[list[ZoneShape], Field(max_length=50)] = []
    ground_points: Annotated[list[GroundPointShape], Field(max_length=100)] = []
    clock_skew_s: Annotated[
        float, Field(ge=-40_000_000, le=40_000_000, description="by how much the camera's clock is ahead [s]")
    ] = 0.0
    working_hours: Annotated[
        WorkingHoursShape | None,
        Field(description="outside of them neither darkness nor silence is a fault; silent: darkness is from 06 to 19"),
    ] = None
    silent_after_s: Annotated[
        float | None, Field(ge=60, le=31_536_000, description="silent when nothing came for so long [s]")
    ] = None


class CameraStatusBody(Shape):
    """What `PUT .../cameras/{camera_id}/status` takes: the word of who reads the camera."""

    state: Annotated[CameraState, Field(description="sending, or unreachable: the camera does not answer")]
    next_within_s: Annotated[
        float, Field(ge=60, le=604_800, description="something is heard again within this, or the camera is silent [s]")
    ]
    clock_skew_s: Annotated[
        float | None,
        Field(ge=-40_000_000, le=40_000_000, description="measured: by how much the camera's clock is ahead [s]"),
    ] = None


class CameraStatusView(Shape):
    """Whether a camera sees and sends. `faults`: codes of what is wrong now."""

    heard_at: datetime
    due_at: datetime | None
    state: CameraState
    clock_skew_s: float | None
    skew_measured_at: datetime | None
    faults: list[str]

    @classmethod
    def of(cls, row: CameraHealthRow) -> "CameraStatusView":
        """The view of a stored row."""
        return cls(
            heard_at=row.heard_at,
            due_at=row.due_at,
            state="unreachable" if row.is_unreachable else "sending",
            clock_skew_s=row.clock_skew_s,
            skew_measured_at=row.skew_measured_at,
            faults=sorted(state_from_json(row.state).faults),
        )


class CameraView(Shape):
    """A fixed camera."""

    id: str
    project_id: str
    name: str
    zones: list[ZoneShape]
    ground_points: list[GroundPointShape]
    clock_skew_s: float
    working_hours: WorkingHoursShape | None
    silent_after_s: float | None
    created_at: datetime

    @classmethod
    def of(cls, camera: Camera) -> "CameraView":
        """The view of a stored camera."""
        return cls.model_validate(camera)


class HazardRulesBody(Shape):
    """What `PUT .../hazard-rules` takes: by rule, the fields that differ from the file's."""

    rules: dict[str, dict[str, Any]] = {}


class HazardRulesView(Shape):
    """The hazard rules in force for a project.

    `versions` are what findings name; `missing_classes`, by rule, what it needs and no registered model knows.
    """

    given: dict[str, dict[str, Any]]
    rules: HazardRules
    versions: dict[str, str]
    missing_classes: dict[str, list[str]]
    set_at: datetime | None
    set_by: str | None


class PhotoRequirement(Shape):
    """How many photos a milestone needs."""

    min: Annotated[int, Field(ge=0, le=10_000)] | None = None
    every_m: (
        Annotated[
            float, Field(ge=1, le=100_000, description="length of a station, each needing a photo of its own [m]")
        ]
        | None
    ) = None
    side: Annotated[StationSide, Field(description="from which side, looking along rising chainage")] | None = None


class ElementRequirement(Shape):
    """A class of a registered model that must be seen on `min` counting photos (1 where silent), or on none."""

    label: Text
    min: Annotated[int, Field(ge=1, le=10_000)] | None = None
    absent: bool = False

    @model_validator(mode="after")
    def check_one(self) -> "ElementRequirement":
        """Nothing is seen and absent at once."""
        if self.absent and self.min is not None:
            raise ValueError("give `min` or `absent`, not both")
        return self


class MaterialRequirement(Shape):
    """A material of which batches must be shown."""

    material: Text
    batches: Annotated[int, Field(ge=1, le=1000)] = 1


class MeasurementRequirement(Shape):
    """A dimension with its nominal value and tolerance."""

    quantity: Annotated[Text, Field(description="rebar_spacing, width or thickness")]
    nominal_mm: Annotated[float, Field(gt=0, le=1e6)]
    tolerance_mm: Annotated[float, Field(gt=0, le=1e6)]
    source: Text | None = None


class Requirements(Shape):
    """What a milestone requires; every part optional."""

    photos: PhotoRequirement | None = None
    elements: Annotated[list[ElementRequirement], Field(max_length=50)] | None = None
    measurements: Annotated[list[MeasurementRequirement], Field(max_length=50)] | None = None
    board: (
        Annotated[
            Text,
            Field(description="by which is measured, as `siteproof print-board` takes it; needed by `measurements`"),
        ]
        | None
    ) = None
    camera: (
        Annotated[
            dict[str, Any], Field(description="what `siteproof calibrate` wrote, where one camera takes the photos")
        ]
        | None
    ) = None
    checkin: bool | None = None
    report: bool | None = None
    materials: Annotated[list[MaterialRequirement], Field(max_length=50)] | None = None


class CheckinBody(Shape):
    """What `POST /v1/projects/{project_id}/checkins` takes; `at` is now where silent."""

    milestone_id: CallerId
    position: GivenPosition
    at: AwareDatetime | None = None
    client_id: UUID | None = None


class CheckinView(Shape):
    """A check-in; `side` and `distance_m` (negative inside) by the boundary of now, null where there is none."""

    id: UUID
    project_id: str
    milestone_id: str
    client_id: UUID | None
    position: dict[str, Any]
    at: datetime
    received_at: datetime
    side: Side | None
    distance_m: float | None

    @classmethod
    def of(cls, checkin: Checkin, placement: PlacedFix | None) -> "CheckinView":
        """The view of a stored check-in."""
        return cls(
            id=checkin.id,
            project_id=checkin.project_id,
            milestone_id=checkin.milestone_id,
            client_id=checkin.client_id,
            position=view_position(checkin.position) or {},
            at=checkin.at,
            received_at=checkin.received_at,
            side=None if placement is None else placement.side,
            distance_m=None if placement is None else round(placement.distance_m, 1),
        )


class MilestoneBody(Shape):
    """What `PUT .../milestones/{milestone_id}` takes."""

    title: Text
    planned_on: date | None = None
    after: Annotated[list[CallerId], Field(max_length=50)] = []
    requires: Requirements = Requirements()


class MilestoneView(Shape):
    """A milestone."""

    id: str
    project_id: str
    title: str
    planned_on: date | None
    after: list[str]
    requires: dict[str, Any]
    created_at: datetime

    @classmethod
    def of(cls, milestone: Milestone) -> "MilestoneView":
        """The view of a stored milestone."""
        return cls.model_validate(milestone)


class GateReason(Shape):
    """Why a milestone holds."""

    model_config = ConfigDict(extra="allow")

    code: str
    detail: dict[str, str]


class GateView(Shape):
    """Whether a milestone may pass."""

    verdict: Literal["pass", "hold"]
    reasons: list[GateReason]
    evaluated_at: datetime


class GapView(Shape):
    """A stretch without evidence; neighbouring stations are one."""

    chainage_m: tuple[float, float]
    chainage: tuple[str, str]


class NotPlacedView(Shape):
    """An accepted photo that is no evidence for any station, and why."""

    media_id: UUID
    problem: NotPlaced
    chainage_m: float | None
    offset_m: float | None
    accuracy_m: float | None


class CoverageView(Shape):
    """How much of the alignment is evidenced for a milestone, in metres along it.

    `built_m` is the length of the stations with evidence, true to one station at each end of a stretch; `settled` are
    gaps that an inspector dismissed; `not_placed` holds the first 200 of `not_placed_photos`.
    """

    every_m: float
    side: StationSide | None
    chainage_m: tuple[float, float]
    length_m: float
    stations: int
    covered_stations: int
    built_m: float
    gaps: list[GapView]
    settled: list[GapView]
    accepted_photos: int
    not_placed_photos: int
    not_placed: list[NotPlacedView]


class CheckView(Shape):
    """The outcome of one check."""

    check: CheckName
    verdict: Verdict
    code: str
    detail: dict[str, str]
    facts: dict[str, Any]

    @classmethod
    def of(cls, check: Check) -> "CheckView":
        """The view of a check."""
        return cls.model_validate(check)


class EvidenceView(Shape):
    """How far a medium can be relied upon, and why."""

    grade: Grade
    reasons: list[str]


class DetectionView(Shape):
    """One thing seen."""

    label: str
    score: float
    box_xyxy_px: tuple[float, float, float, float]
    at_s: float | None = None
    model: str | None = None


class MediumView(Shape):
    """A photo or clip with everything known of it."""

    id: UUID
    project_id: str
    milestone_id: str | None
    camera_id: str | None
    client_id: UUID | None
    sha256: str
    size_bytes: int
    format: MediaFormat
    status: MediaStatus
    failure: str | None
    received_at: datetime
    taken_at: datetime | None
    position: dict[str, Any] | None
    width_px: int | None
    height_px: int | None
    capture: dict[str, Any]
    metadata: dict[str, Any]
    checks: list[CheckView]
    evidence: EvidenceView
    detections: list[DetectionView]
    measurements: list[dict[str, Any]]
    model: str | None
    finding_ids: list[UUID]

    @classmethod
    def of(cls, medium: Medium, finding_ids: list[UUID]) -> "MediumView":
        """The view of a stored medium."""
        return cls(
            id=medium.id,
            project_id=medium.project_id,
            milestone_id=medium.milestone_id,
            camera_id=medium.camera_id,
            client_id=medium.client_id,
            sha256=medium.sha256,
            size_bytes=medium.size_bytes,
            format=medium.format,
            status=medium.status,
            failure=medium.failure,
            received_at=medium.received_at,
            taken_at=medium.taken_at,
            position=view_position(medium.position),
            width_px=medium.width_px,
            height_px=medium.height_px,
            capture=medium.capture,
            metadata=medium.metadata,
            checks=[CheckView.of(check) for check in medium.checks],
            evidence=EvidenceView(grade=Grade(medium.grade), reasons=list(medium.grade_reasons)),
            detections=[DetectionView.model_validate(each) for each in medium.detections],
            measurements=list(medium.measurements),
            model=medium.model,
            finding_ids=finding_ids,
        )


class FindingView(Shape):
    """A finding."""

    id: UUID
    project_id: str
    milestone_id: str | None
    kind: Kind
    code: str
    severity: Severity
    status: FindingStatus
    title: dict[str, str]
    occurred_at: datetime
    recorded_at: datetime
    media_id: UUID | None
    sensor_id: str | None
    box_xyxy_px: tuple[float, float, float, float] | None
    chainage_m: tuple[float, float] | None
    details: dict[str, Any]
    issue_id: UUID | None
    reviewed_at: datetime | None
    reviewed_by: str | None
    review_reason: str | None

    @classmethod
    def of(cls, finding: Finding) -> "FindingView":
        """The view of a stored finding."""
        return cls.model_validate(finding)


# Years that every calendar and PostgreSQL can add days to.
DueDate = Annotated[date, Field(ge=date(2000, 1, 1), lt=date(2200, 1, 1))]
FindingIds = Annotated[list[UUID], Field(max_length=200)]


class ReviewIssueBody(Shape):
    """The issue that a confirmed finding is raised into; what is silent comes from the finding."""

    project_id: CallerId | None = None
    title: Text | None = None
    severity: Severity | None = None
    milestone_id: CallerId | None = None
    finding_ids: FindingIds = []
    due_date: DueDate | None = None
    assigned_to: Text | None = None


class ReviewBody(Shape):
    """An inspector's decision."""

    decision: Decision
    reason: Annotated[str, Field(min_length=1, max_length=2000)]
    issue: ReviewIssueBody | None = None

    @model_validator(mode="after")
    def check_issue(self) -> "ReviewBody":
        """What is no fault is not to be mended."""
        if self.issue is not None and self.decision is not Decision.CONFIRMED:
            raise ValueError("an issue is raised from a confirmed finding only")
        return self


class AlarmBody(Shape):
    """One level of an alarm, in the sensor's unit."""

    level: Annotated[str, Field(min_length=1, max_length=40)]
    action: Annotated[str, Field(max_length=500)] = ""
    above: float | None = None
    below: float | None = None
    rate_per_day: float | None = None
    for_s: float = 0.0
    hysteresis: float = 0.0
    for_n: int | None = None


class RangeBody(Shape):
    """What the instrument can measure; outside of it a reading is kept and marked bad."""

    min: float | None = None
    max: float | None = None


class PlacementBody(Shape):
    """Where a sensor sits on its structure; points of one structure are compared with each other. All in metres."""

    structure: Annotated[str, Field(min_length=1, max_length=64)]
    along_m: float
    across_m: float | None = None
    height_m: float | None = None


class SensorEventBody(Shape):
    """Something that happened at a sensor; what came before a loading says nothing of what follows."""

    at: AwareDatetime
    text: Annotated[str, Field(min_length=1, max_length=200)]
    is_loading: bool = False


class SuppressionBody(Shape):
    """A time in which no alarm is raised, such as a load test that was announced."""

    from_: Annotated[AwareDatetime, Field(alias="from")]
    to: AwareDatetime
    reason: Annotated[str, Field(min_length=1, max_length=200)]

    @model_validator(mode="after")
    def check_order(self) -> "SuppressionBody":
        """A suppression ends after it began."""
        if self.to <= self.from_:
            raise ValueError("`to` lies after `from`")
        return self


class InstrumentBody(Shape):
    """What `POST /v1/sensors/{sensor_id}/instruments` takes; `level` in the sensor's unit, where it was surveyed."""

    since: AwareDatetime
    serial: Annotated[str, Field(min_length=1, max_length=64)] | None = None
    calibration: dict[str, Any] = {}
    level: float | None = None


class InstrumentView(Shape):
    """One instrument of a sensor that had several."""

    since: datetime | None
    serial: str | None
    calibration: dict[str, Any]
    level: float | None
    offset: float | None


class StructureView(Shape):
    """A structure, and the sensors that are placed on it, along it."""

    name: str
    sensor_ids: list[str]


class CalibrationVersionView(Shape):
    """The calibrations of a sensor at a version of it."""

    version: int
    recorded_at: datetime
    calibration: dict[str, Any]
    instruments: list[InstrumentView]


class SensorBody(Shape):
    """What `PUT /v1/sensors/{sensor_id}` takes."""

    project_id: CallerId
    kind: SensorKind
    unit: Annotated[str, Field(min_length=1, max_length=40)]
    position: GivenPosition | None = None
    calibration: dict[str, Any] = {}
    range: RangeBody = RangeBody()
    alarms: list[AlarmBody] = []
    stale_after_s: Annotated[float, Field(gt=0)] | None = None
    resolution: Annotated[float, Field(gt=0)] | None = None
    baseline: float | None = None
    stability_mm_per_day: Annotated[float, Field(gt=0)] | None = None
    placement: PlacementBody | None = None
    events: Annotated[list[SensorEventBody], Field(max_length=200)] = []
    suppressions: Annotated[list[SuppressionBody], Field(max_length=200)] = []
    redundant_with: CallerId | None = None

    def make_profile(self) -> SensorProfile:
        """What is known beyond kind and unit."""
        return SensorProfile(
            resolution=self.resolution,
            baseline=self.baseline,
            stability_mm_per_day=self.stability_mm_per_day,
            placement=None if self.placement is None else Placement(**self.placement.model_dump()),
            events=tuple(SensorEvent(each.at.astimezone(UTC), each.text, each.is_loading) for each in self.events),
            suppressions=tuple(
                Suppression(each.from_.astimezone(UTC), each.to.astimezone(UTC), each.reason)
                for each in self.suppressions
            ),
            redundant_with=self.redundant_with,
        )


class SensorView(Shape):
    """A sensor."""

    id: str
    project_id: str
    kind: SensorKind
    unit: str
    position: dict[str, Any] | None
    calibration: dict[str, Any]
    range: RangeBody
    alarms: list[AlarmBody]
    stale_after_s: float | None
    resolution: float | None
    baseline: float | None
    stability_mm_per_day: float | None
    placement: PlacementBody | None
    events: list[SensorEventBody]
    suppressions: list[SuppressionBody]
    redundant_with: str | None
    instruments: list[InstrumentView]
    is_recomputing: bool
    created_at: datetime

    @classmethod
    def of(cls, sensor: Sensor) -> "SensorView":
        """The view of a stored sensor."""
        return cls(
            id=sensor.id,
            project_id=sensor.project_id,
            kind=sensor.kind,
            unit=sensor.unit,
            position=view_position(sensor.position),
            calibration=sensor.calibration,
            range=RangeBody(min=sensor.range_min, max=sensor.range_max),
            alarms=[AlarmBody.model_validate(each) for each in sensor.alarms],
            stale_after_s=sensor.stale_after_s,
            resolution=sensor.profile.resolution,
            baseline=sensor.profile.baseline,
            stability_mm_per_day=sensor.profile.stability_mm_per_day,
            placement=None
            if sensor.profile.placement is None
            else PlacementBody.model_validate(sensor.profile.placement),
            events=[SensorEventBody.model_validate(each) for each in sensor.profile.events],
            suppressions=[
                SuppressionBody.model_validate({"from": each.from_, "to": each.to, "reason": each.reason})
                for each in sensor.profile.suppressions
            ],
            redundant_with=sensor.profile.redundant_with,
            instruments=[InstrumentView.model_validate(each) for each in sensor.instruments],
            is_recomputing=sensor.is_recomputing,
            created_at=sensor.created_at,
        )


class ReadingView(Shape):
    """One reading."""

    t: datetime
    v: float
    q: str


class LatestView(ReadingView):
    """The newest reading; `stale_since` where its Sparkplug edge node or device has been offline since then."""

    stale_since: datetime | None


class SensorLatestView(Shape):
    """A sensor with its newest reading; without `t`, `v` and `q` where it never said anything."""

    sensor_id: str
    project_id: str
    kind: str
    unit: str
    t: datetime | None
    v: float | None
    q: str | None
    stale_since: datetime | None


class BucketView(Shape):
    """What a sensor said within one bucket of time."""

    t: datetime
    mean: float
    min: float
    max: float
    n: int


class IssueBody(Shape):
    """What `POST /v1/issues` takes; `due_date` by the severity, `assigned_to` the contractor where they are silent."""

    project_id: CallerId
    title: Text
    severity: Severity | None = None
    milestone_id: CallerId | None = None
    finding_ids: FindingIds = []
    due_date: DueDate | None = None
    assigned_to: Text | None = None


class TransitionBody(Shape):
    """A step of an issue; a rectification needs the photos that show it."""

    to: Literal[
        IssueStatus.ASSIGNED, IssueStatus.RECTIFIED, IssueStatus.FAILED, IssueStatus.CLOSED, IssueStatus.REOPENED
    ]
    note: Annotated[str, Field(min_length=1, max_length=2000)] | None = None
    media_ids: Annotated[list[UUID], Field(max_length=50)] = []
    assigned_to: Text | None = None
    due_date: DueDate | None = None


class AfterPhotoView(Shape):
    """A photo that shows mended work; `unknown` names the checks that could tell nothing of it."""

    media_id: UUID
    unknown: list[str]


class TransitionView(Shape):
    """A step, as it was recorded."""

    from_: Annotated[IssueStatus | None, Field(serialization_alias="from")]
    to: IssueStatus
    at: datetime
    by: str
    person: str | None
    role: Role
    note: str | None
    media_ids: list[UUID]
    after_photos: list[AfterPhotoView]


class IssueView(Shape):
    """An issue; `due_at` is the end of `due_date` in the project's time zone."""

    id: UUID
    project_id: str
    milestone_id: str | None
    title: str
    severity: Severity
    status: IssueStatus
    assigned_to: str | None
    due_date: date
    due_at: datetime
    overdue: bool
    creation_date: datetime
    creation_author: str
    modified_date: datetime
    finding_ids: list[UUID]

    @classmethod
    def of(cls, issue: Issue, *, now: datetime) -> "IssueView":
        """The view of a stored issue."""
        return cls(**_list_issue_fields(issue, now))


class IssueDetailView(IssueView):
    """An issue with all that happened to it, and the steps that the asker may make next."""

    history: list[TransitionView]
    steps: list[IssueStatus]

    @classmethod
    def with_history(
        cls, issue: Issue, *, history: list[Transition], steps: list[IssueStatus], now: datetime
    ) -> "IssueDetailView":
        """The view of a stored issue with its history."""
        told = [TransitionView.model_validate(each) for each in history]
        return cls(**_list_issue_fields(issue, now), history=told, steps=steps)


def _list_issue_fields(issue: Issue, now: datetime) -> dict[str, Any]:
    fields = {name: getattr(issue, name) for name in IssueView.model_fields if name != "overdue"}
    return fields | {"overdue": issue.is_overdue(now), "finding_ids": list(issue.finding_ids)}


class LevelView(Shape):
    """Where one level of a sensor's alarm stands.

    `pending`: beyond the limit, not confirmed; `suppressed`: confirmed, within a suppression; `unknown`: the sensor is
    silent, or its gauge is not to be believed. A raised level stays `raised` until its end is known.
    """

    level: str
    state: Literal["normal", "pending", "raised", "suppressed", "unknown"]
    since: datetime | None
    value: float | None
    above: float | None
    below: float | None
    rate_per_day: float | None
    action: str


class GaugeFaultView(Shape):
    """One thing that may be wrong with the gauge, and whether it is."""

    code: GaugeFault
    state: Literal["no", "yes", "cannot_tell"]
    since: datetime | None


class EpisodeView(Shape):
    """One alarm from its first reading to its end, or one fault of the gauge."""

    level: str | None
    code: str
    since: datetime
    raised_at: datetime
    ended_at: datetime | None
    end_reason: EndReason | None
    finding_id: UUID


class AlarmsView(Shape):
    """A sensor's alarm: where it stands, and what was, the episodes recorded last first."""

    sensor_id: str
    judged_until: datetime | None
    value: float | None
    rate_per_day: float | None
    baseline: float | None
    is_stale: bool
    is_rejudging: bool
    levels: list[LevelView]
    gauge: list[GaugeFaultView]
    items: list[EpisodeView]
    next: str | None


class AlarmTemplateView(Shape):
    """A way to set alarm levels, and who must give the figures; nothing applies by itself."""

    id: str
    kind: SensorKind
    title: dict[str, str]
    quantities: list[str]
    source: dict[str, str]
    figures: dict[str, str]
    must_confirm: dict[str, str]
    alarms: list[dict[str, Any]]


class ReportIssueBody(Shape):
    """The issue that is raised from a villager's report."""

    title: Text
    severity: Severity | None = None
    milestone_id: CallerId | None = None
    due_date: DueDate | None = None
    assigned_to: Text | None = None


class AnswerBody(Shape):
    """What the desk says to a report; `published_text` is shown in place of its text, where that names somebody."""

    status: Literal["answered", "dismissed"]
    answer: Annotated[str, Field(min_length=1, max_length=2000)]
    published_text: Annotated[str, Field(max_length=2000)] | None = None
    issue: ReportIssueBody | None = None


class ReportView(Shape):
    """A villager's report.

    Inspectors and supervisors see all of it; to others `text` is what the public reads, and `place`, `contact` and
    `media_id` are null.
    """

    id: UUID
    project_id: str
    status: ReportStatus
    text: str | None
    place: str | None
    contact: str | None
    media_id: UUID | None
    received_at: datetime
    due_at: datetime
    overdue: bool
    answer: str | None
    published_text: str | None
    answered_at: datetime | None
    answered_by: str | None
    issue_id: UUID | None

    @classmethod
    def of(cls, report: Report, *, role: Role, now: datetime) -> "ReportView":
        """The view of a report for a role."""
        knows = may_know_reporter(role)
        return cls(
            id=report.id,
            project_id=report.project_id,
            status=report.status,
            # A text may name who wrote it: beside the desk, all read what the public reads.
            text=report.text if knows else report.public_text,
            place=report.place if knows else None,
            contact=report.contact if knows else None,
            media_id=report.media_id if knows else None,
            received_at=report.received_at,
            due_at=report.due_at,
            overdue=report.is_overdue(now),
            answer=report.answer,
            published_text=report.published_text,
            answered_at=report.answered_at,
            answered_by=report.answered_by,
            issue_id=report.issue_id,
        )


class PublicationBody(Shape):
    """Whether a picture is shown on the public page."""

    shown: bool


class PublicationView(Shape):
    """The decision on a picture; without a person where nobody decided."""

    media_id: UUID
    shown: bool
    decided_by: str | None
    decided_at: datetime | None
