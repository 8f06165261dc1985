"""openapi.json beyond what the framework finds out: who may use a route, and what refusals look like."""

from collections.abc import Sequence
from typing import Any, Final

from fastapi import FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute

from api.access import Allowed
from domain.access import Role

_PROBLEM: Final = {
    "description": "A refusal, with a stable `code` (RFC 9457).",
    "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
}
_PROBLEM_SCHEMA: Final = {
    "type": "object",
    "required": ["type", "title", "status", "detail", "code"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "code": {"type": "string"},
    },
}


def find_roles(route: APIRoute) -> frozenset[Role] | None:
    """The roles that may use a route; None where it asks for no token."""
    return _find_in(route.dependant)


def _find_in(dependant: Dependant) -> frozenset[Role] | None:
    if isinstance(dependant.call, Allowed):
        return dependant.call.roles
    for each in dependant.dependencies:
        roles = _find_in(each)
        if roles is not None:
            return roles
    return None


def describe(application: FastAPI, routes: Sequence[APIRoute]) -> None:
    """Let the application's openapi.json name each route's roles (`x-roles`) and its refusals."""

    def make() -> dict[str, Any]:
        if application.openapi_schema is None:
            schema = get_openapi(
                title=application.title,
                version=application.version,
                description=application.description,
                routes=application.routes,
                license_info=application.license_info,
            )
            schema["components"]["schemas"]["Problem"] = _PROBLEM_SCHEMA
            for route in routes:
                _describe_route(schema, route)
            application.openapi_schema = schema
        return application.openapi_schema

    application.openapi = make  # type: ignore[method-assign] # the framework's documented way to extend the schema


def _describe_route(schema: dict[str, Any], route: APIRoute) -> None:
    roles = find_roles(route)
    for method in route.methods or ():
        operation = schema["paths"][route.path_format][method.lower()]
        operation["responses"].pop("422", None)
        operation["responses"]["default"] = _PROBLEM
        if roles is not None:
            operation["x-roles"] = sorted(roles)
