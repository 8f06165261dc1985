from dataclasses import replace

from fastapi.testclient import TestClient

from api.application import create_application
from domain.access import Role
from tests.integration.api.conftest import Api
from vision.weights import parse_manifest


def test_models__shipped_and_added__are_listed_with_their_classes_by_their_manifests(api: Api) -> None:
    """Each class with its own name, its label here, and the score from which it counts; page by page."""
    content = {
        "name": "rebar-county",
        "version": "3",
        "file": "rebar.onnx",
        "sha256": "ab" * 32,
        "format": "onnx",
        "input_size_px": 640,
        "classes": ["bar", "tie"],
        "thresholds": {"bar": 0.4},
        "licence": "NOASSERTION",
        "label_by_class": {"bar": "rebar", "tie": None},
    }
    first, second = parse_manifest(content | {"name": "shipped"}), parse_manifest(content)
    services = replace(api.application.state.services, models=lambda: [first, second])
    headers = api.make_token(Role.INSPECTOR)
    with TestClient(create_application(services)) as client:
        page = client.get("/v1/models?limit=1", headers=headers).json()
        rest = client.get(f"/v1/models?after={page['next']}", headers=headers).json()
    assert [each["name"] for each in page["items"]] == ["shipped"]
    assert rest == {
        "items": [
            {
                "name": "rebar-county",
                "version": "3",
                "sha256": "ab" * 32,
                "licence": "NOASSERTION",
                "classes": [
                    {"name": "bar", "label": "rebar", "threshold": 0.4},
                    {"name": "tie", "label": None, "threshold": 0.25},
                ],
            }
        ],
        "next": None,
    }
