"""Settlement: the analysis of a sensor, and of the points of a structure against each other."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from pydantic import AwareDatetime

from api.access import Allowed, Asker, UnknownSensor, see_project, see_sensor
from api.schemas import Collection, StructureView
from api.sensors import READERS, get_entry
from api.strict_json import StrictRoute
from domain.project import Project
from domain.sensor import Sensor
from iot.settlement import describe_settlement
from iot.settlement_record import analyse_points, analyse_sensor, list_structures
from iot.settlement_structure import describe_structure
from storage.database import Connection
from storage.sensor import SensorEntry

router = APIRouter(prefix="/v1", route_class=StrictRoute, tags=["settlement"])
Until = Annotated[AwareDatetime | None, Query(description="readings after it are left out; silent: now")]


@router.get("/sensors/{sensor_id}/settlement")
def get_settlement_route(
    asker: Annotated[Asker[Sensor], Depends(Allowed(READERS, see_sensor))],
    until: Until = None,
    temperature_sensor_id: Annotated[
        str | None, Query(max_length=64, description="whose movement is removed; silent: the structure's nearest")
    ] = None,
    limit_mm_per_day: Annotated[
        float | None, Query(gt=0, description="of stability; silent: the sensor's own, else 0.04 (JGJ 8)")
    ] = None,
) -> dict[str, Any]:
    """Movement, rates with their confidence, steps, forecast of the final settlement, and whether it is stable."""
    with asker.transaction() as connection:
        entry = get_entry(connection, asker.thing.id)
        analysis = analyse_sensor(
            connection,
            entry=entry,
            until=until or asker.services.clock.now(),
            temperature=_find_thermometer(connection, asker.thing, temperature_sensor_id),
            limit_mm_per_day=limit_mm_per_day,
        )
    return {"sensor_id": asker.thing.id, **describe_settlement(analysis)}


@router.get("/projects/{project_id}/structures")
def list_structures_route(
    asker: Annotated[Asker[Project], Depends(Allowed(READERS, see_project))],
) -> Collection[StructureView]:
    """The structures that the project's sensors are placed on."""
    with asker.transaction() as connection:
        structures = list_structures(connection, project_id=asker.thing.id)
    items = [
        StructureView(name=name, sensor_ids=[entry.sensor.id for entry in entries])
        for name, entries in structures.items()
    ]
    return Collection[StructureView](items=items, next=None)


@router.get("/projects/{project_id}/structures/{structure}/settlement")
def get_structure_route(
    structure: str, asker: Annotated[Asker[Project], Depends(Allowed(READERS, see_project))], until: Until = None
) -> dict[str, Any]:
    """Every point, differential settlement and angular distortion between neighbours, tilts of piers."""
    moment: datetime = until or asker.services.clock.now()
    with asker.transaction() as connection:
        analysis, _entries, silent = analyse_points(
            connection, project_id=asker.thing.id, structure=structure, until=moment
        )
    return {"structure": structure, "silent": silent, **describe_structure(analysis)}


def _find_thermometer(connection: Connection, sensor: Sensor, sensor_id: str | None) -> SensorEntry | None:
    if sensor_id is None:
        return None
    entry = get_entry(connection, sensor_id)
    if entry.sensor.project_id != sensor.project_id:
        raise UnknownSensor("there is no such sensor")
    return entry
