"""Agent types from files: loaded, brought up to date, overridden by the operator's own."""

from pathlib import Path

import pytest
from django.core.management import call_command

from pods.models import AgentType
from pods.services.built_in import load_built_in
from tests.builders import Cast, built_in, make_agent_type, make_pod

pytestmark = [pytest.mark.django_db, pytest.mark.sqlite]

OWN = 'slug = "{slug}"\nname = "{name}"\n[launch]\nargv = ["{slug}"]\n'


def write(directory: Path, slug: str, name: str = "Own", text: str = "") -> Path:
    path = directory / f"{slug}.toml"
    path.write_text(text or OWN.format(slug=slug, name=name))
    return path


def installed() -> dict[str, str]:
    return dict(AgentType.objects.filter(organization=None).values_list("slug", "name"))


def test_loading_again_changes_nothing() -> None:
    before = list(AgentType.objects.order_by("pk").values())
    assert load_built_in() == []
    assert list(AgentType.objects.order_by("pk").values()) == before


def test_an_upgrade_changes_what_is_built_in_and_not_whether_it_is_on() -> None:
    shell = built_in("shell")
    AgentType.objects.filter(pk=shell.pk).update(
        name="Older", declaration={**shell.declared, "name": "Older"}, enabled=False
    )
    load_built_in()
    again = AgentType.objects.get(pk=shell.pk)
    assert (again.name, again.declared["name"], again.enabled) == ("Shell", "Shell", False)


def test_a_row_from_before_there_were_declarations_becomes_the_built_in_one() -> None:
    AgentType.objects.filter(slug="demo").delete()
    old = make_agent_type("demo", name="Old demo", argv=["mesh-demo"])
    load_built_in()
    old.refresh_from_db()
    assert (old.origin, old.name) == ("built_in", "Demo agent")


def test_migrating_loads_them() -> None:
    AgentType.objects.all().delete()
    call_command("migrate", verbosity=0)
    assert {"claude", "shell"} <= installed().keys()


def test_a_file_of_the_operators_is_an_agent_type_for_all(
    cast: Cast, agent_types_dir: Path
) -> None:
    write(agent_types_dir, "ours", "Ours")
    assert load_built_in() == []
    assert installed()["ours"] == "Ours"
    write(agent_types_dir, "ours", "Renamed")
    load_built_in()
    assert installed()["ours"] == "Renamed"


def test_a_file_of_the_operators_takes_the_place_of_a_built_in_one_and_gives_it_back(
    agent_types_dir: Path,
) -> None:
    path = write(agent_types_dir, "claude", "Our Claude")
    load_built_in()
    assert installed()["claude"] == "Our Claude"
    path.unlink()
    load_built_in()
    assert installed()["claude"] == "Claude Code"


def test_a_broken_file_is_named_with_its_cure_and_leaves_all_as_it_was(
    agent_types_dir: Path,
) -> None:
    path = write(agent_types_dir, "ours")
    load_built_in()
    path.write_text('slug = "ours"\n')
    (problem,) = load_built_in()
    assert str(path) in problem
    assert "name: Give the name" in problem
    assert installed()["ours"] == "Own"


def test_a_file_is_named_as_its_slug(agent_types_dir: Path) -> None:
    write(agent_types_dir, "other", text=OWN.format(slug="ours", name="Ours"))
    (problem,) = load_built_in()
    assert "call it ours.toml" in problem
    assert "ours" not in installed()


def test_a_type_whose_file_is_gone_goes_unless_a_pod_was_made_of_it(
    cast: Cast, agent_types_dir: Path
) -> None:
    unused, used = write(agent_types_dir, "unused"), write(agent_types_dir, "used")
    load_built_in()
    make_pod(cast.organization, agent_type=AgentType.objects.get(slug="used"))
    unused.unlink()
    text = used.read_text()
    used.unlink()
    load_built_in()
    assert "unused" not in installed()
    assert AgentType.objects.get(slug="used").enabled is False
    used.write_text(text)
    load_built_in()
    assert AgentType.objects.get(slug="used").enabled is True


def test_what_an_operator_made_in_the_admin_is_left_alone(agent_types_dir: Path) -> None:
    made = make_agent_type("ours", name="By hand", declaration=built_in("shell").declared)
    write(agent_types_dir, "ours", "By file")
    load_built_in()
    made.refresh_from_db()
    assert made.name == "By hand"
