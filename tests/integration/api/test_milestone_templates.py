import pytest

from api.schemas import Requirements
from domain.access import Role
from findings.milestone_template import MilestoneTemplate, load_templates
from tests.integration.api.conftest import Api


def test_templates__every_kind_of_work__is_there_with_its_concealed_stages(api: Api) -> None:
    """Road, canal, culvert, bridge, water pipe and square; each ends with a stage that nothing covers."""
    headers = api.make_token(Role.CORE)
    items = api.client.get("/v1/milestone-templates", headers=headers).json()["items"]
    assert {each["kind"] for each in items} == {"road", "canal", "culvert", "bridge", "water", "square"}
    for template in items:
        concealed = [stage["concealed"] for stage in template["stages"]]
        assert any(concealed)
        assert not concealed[-1]
    roads = api.client.get("/v1/milestone-templates?kind=road", headers=headers).json()["items"]
    assert [each["id"] for each in roads] == ["concrete_village_road"]


@pytest.mark.parametrize("template", load_templates(), ids=lambda template: template.id)
def test_template__its_stages__can_be_set_as_milestones(api: Api, template: MilestoneTemplate) -> None:
    """Every stage is accepted as it stands, in its order."""
    api.put_project(kind=template.kind.value)
    headers = api.make_token(Role.CORE)
    for stage in template.stages:
        body = {"title": stage.title.zh, "after": list(stage.after), "requires": stage.requires}
        response = api.client.put(f"/v1/projects/p1/milestones/{stage.id}", json=body, headers=headers)
        assert response.status_code == 201, response.text


@pytest.mark.parametrize("template", load_templates(), ids=lambda template: template.id)
def test_template__dimensions__name_a_standard_and_no_figure(template: MilestoneTemplate) -> None:
    """A figure that looks official would be taken for one: it is for the county and the designer to set."""
    for stage in template.stages:
        assert Requirements.model_validate(stage.requires).measurements is None
        for quantity in stage.to_set:
            assert quantity.standard.split()[0] in {"JTG", "JTG/T", "GB", "GB/T", "SL", "CJJ"}
            assert "县" in quantity.must_confirm.zh
