"""`/v1/projects/{project_id}/hazard-rules`: what a project changes in the hazard rules, and the rules in force."""

from typing import Annotated, Final

from fastapi import APIRouter, Depends, Header, Response

from api.access import EVERYBODY, Allowed, Asker, see_project
from api.etag import make_etag, require_match
from api.schemas import HazardRulesBody, HazardRulesView
from api.services import Services
from api.strict_json import StrictRoute
from domain.access import Role
from domain.project import Project
from findings.project_event import tell_project
from storage.hazard_rules import GivenHazardRules, find_hazard_rules, insert_hazard_rules
from storage.project import lock_project
from vision.hazard_rules import (
    RulesInForce,
    change_hazard_rules,
    find_unknown_classes,
    require_known_classes,
)

router = APIRouter(prefix="/v1", route_class=StrictRoute, tags=["hazard rules"])
# Whoever supervises an area answers for what counts as a hazard there. An inspector decides single findings by these
# rules, so does not make them; the contractor, who is judged by them, may read them and no more.
WRITERS: Final = frozenset({Role.SUPERVISOR, Role.ADMIN})
READERS: Final = EVERYBODY - {Role.FIELD}


@router.put("/projects/{project_id}/hazard-rules", responses={201: {"model": HazardRulesView}})
def put_hazard_rules_route(
    body: HazardRulesBody,
    response: Response,
    asker: Annotated[Asker[Project], Depends(Allowed(WRITERS, see_project))],
    if_match: Annotated[str | None, Header()] = None,
) -> HazardRulesView:
    """Set all that the project changes in the rules; an empty object goes back to the file's."""
    services, project = asker.services, asker.thing
    with asker.transaction() as connection:
        lock_project(connection, project_id=project.id)
        stored = find_hazard_rules(connection, project_id=project.id)
        require_match(if_match, None if stored is None else stored.version)
        number = 1 if stored is None else stored.version + 1
        changed = change_hazard_rules(services.hazard_rules, given=body.rules, version=number)
        require_known_classes(changed.rules, services.known_classes)
        if stored is None or stored.given != body.rules:
            now = services.clock.now()
            kept = insert_hazard_rules(
                connection, project_id=project.id, given=body.rules, set_at=now, set_by=asker.principal.label
            )
            tell_project(connection, project, event="hazard_rules_changed", now=now)
        else:
            kept = stored
    response.status_code = 201 if stored is None else 200
    response.headers["ETag"] = make_etag(kept.version)
    return _view(kept, services)


@router.get("/projects/{project_id}/hazard-rules")
def get_hazard_rules_route(
    response: Response, asker: Annotated[Asker[Project], Depends(Allowed(READERS, see_project))]
) -> HazardRulesView:
    """The rules in force, and what of them the project changed; without an ETag where it changed nothing yet."""
    with asker.transaction() as connection:
        stored = find_hazard_rules(connection, project_id=asker.thing.id)
    if stored is not None:
        response.headers["ETag"] = make_etag(stored.version)
    return _view(stored, asker.services)


def _view(stored: GivenHazardRules | None, services: Services) -> HazardRulesView:
    in_force = (
        RulesInForce(services.hazard_rules)
        if stored is None
        else change_hazard_rules(services.hazard_rules, given=stored.given, version=stored.version)
    )
    return HazardRulesView(
        given={} if stored is None else stored.given,
        rules=in_force.rules,
        versions={name: in_force.version_of(name) for name in in_force.rules.by_name()},
        missing_classes=find_unknown_classes(in_force.rules, services.known_classes),
        set_at=None if stored is None else stored.set_at,
        set_by=None if stored is None else stored.set_by,
    )
