"""Every expected error has a status, and a code of its own."""

import importlib
import pkgutil
from http import HTTPStatus

from api.errors import find_status
from domain.errors import Conflict, Forbidden, Invalid, NotFound, SiteproofError, Unavailable

PACKAGES = ("analysis", "api", "domain", "findings", "geofence", "ingestion", "iot", "runtime", "storage", "vision")
KINDS = {Invalid, NotFound, Forbidden, Conflict, Unavailable}


def list_errors() -> list[type[SiteproofError]]:
    """Every error class of the product, the base and the five kinds left out."""
    for package in PACKAGES:
        for module in pkgutil.walk_packages(importlib.import_module(package).__path__, f"{package}."):
            # The training tools need torch, and `__main__` would run the command.
            if not module.name.startswith("vision.training.") and not module.name.endswith("__main__"):
                importlib.import_module(module.name)
    found: list[type[SiteproofError]] = []
    to_visit: list[type[SiteproofError]] = [SiteproofError]
    while to_visit:
        for each in to_visit.pop().__subclasses__():
            to_visit.append(each)
            if each not in KINDS:
                found.append(each)
    return found


def test_error__each_class__has_a_status_that_is_a_refusal() -> None:
    """The table from kind to status covers them all."""
    statuses = {each.__name__: find_status(each) for each in list_errors()}
    assert len(statuses) > 40
    assert all(status >= HTTPStatus.BAD_REQUEST for status in statuses.values())
    assert statuses["RoleForbidden"] == HTTPStatus.FORBIDDEN
    assert statuses["StoreFull"] == HTTPStatus.INSUFFICIENT_STORAGE


def test_error__each_class__has_its_own_dotted_code() -> None:
    """A code tells one thing, so that a program may rely upon it."""
    by_code: dict[str, set[str]] = {}
    for each in list_errors():
        by_code.setdefault(each.code, set()).add(f"{each.__module__}.{each.__qualname__}")
    assert {code: sorted(names) for code, names in by_code.items() if len(names) > 1} == {}
    assert [code for code in by_code if "." not in code or code.startswith("siteproof.")] == []
