"""Pods that make Pods: parents, quotas, and what agents say of themselves."""

import pytest

from accounts.models import Organization
from pods.access import actor_for_pod
from pods.bindings import BindingState
from pods.errors import MeshError, QuotaError, RefusedError
from pods.lifecycle import PodState
from pods.models import Binding, Pod, PodEvent, Workspace
from pods.services.pods import PodRequest, create_pod
from pods.toolbox import run_tool, tools
from tests.builders import (
    actor_of,
    built_in,
    make_agent_type,
    make_pod,
    make_repository,
    make_runner,
)

pytestmark = [pytest.mark.django_db, pytest.mark.sqlite]

SHELL = PodRequest(agent_type="shell")


@pytest.fixture
def parent(cast):
    built_in("shell")
    return make_pod(cast.organization, owner=cast.bob, name="planner")


def call(pod, name, /, **given):
    return run_tool(actor_for_pod(pod), name, given)


def limit(**limits):
    Organization.objects.update(**limits)


def test_a_child_knows_its_parent_and_the_parent_may_read_and_type(parent):
    made = call(parent, "create_pod", agent_type="shell", name="worker", prompt="build it")
    child = Pod.objects.get(key=made.data["key"])
    assert (child.parent, child.owner, child.prompt) == (parent, parent.owner, "build it")
    assert made.data["parent"] == parent.key
    binding = Binding.objects.get()
    assert (binding.holder, binding.target, binding.state) == (parent, child, BindingState.ACTIVE)
    assert binding.scopes == ["terminal:read", "terminal:write"]


def test_the_tool_takes_all_that_can_be_asked_for(cast, parent):
    runner = make_runner(cast.organization, name="big", labels={"gpu": "yes"})
    make_repository(cast.organization, slug="mesh", default_branch="main")
    make_agent_type("own", argv=[])
    call(
        parent,
        "create_pod",
        agent_type="own",
        argv=["top", "-d1"],
        repository="mesh",
        base="main",
        branch="work",
        runner="big",
        labels={"gpu": "yes"},
        env={"A": "1"},
    )
    child = Pod.objects.get(parent=parent)
    assert (child.spec["argv"], child.spec["env"]) == (["top", "-d1"], {"A": "1"})
    assert (child.runner, child.workspace.branch) == (runner, "work")


def test_a_person_makes_a_pod_without_parent_or_binding(cast, parent):
    pod = create_pod(by=actor_of(cast.bob), request=SHELL)
    assert pod.parent is None
    assert not Binding.objects.exists()


def test_a_pod_has_so_many_live_children(parent):
    limit(max_children=2)
    first, _ = (call(parent, "create_pod", agent_type="shell").data["key"] for _ in range(2))
    with pytest.raises(QuotaError) as refused:
        call(parent, "create_pod", agent_type="shell")
    assert (refused.value.code, refused.value.detail) == ("too_many_children", {"limit": 2})
    call(parent, "terminate_pod", pod=first)
    call(parent, "create_pod", agent_type="shell")


def test_an_organization_has_so_many_live_pods_whoever_asks(cast, parent):
    limit(max_pods=2)
    make_pod(cast.organization, state=PodState.PENDING)
    make_pod(cast.organization, state=PodState.FAILED)
    make_pod(cast.stranger)
    for by in (actor_of(cast.alice), actor_for_pod(parent)):
        with pytest.raises(QuotaError) as refused:
            create_pod(by=by, request=SHELL)
        assert refused.value.code == "organization_full"
    limit(max_pods=3)
    create_pod(by=actor_of(cast.alice), request=SHELL)


def test_pods_make_pods_only_so_deep(cast, parent):
    limit(max_depth=2)
    child = create_pod(by=actor_for_pod(parent), request=SHELL)
    grandchild = create_pod(by=actor_for_pod(child), request=SHELL)
    with pytest.raises(QuotaError) as refused:
        create_pod(by=actor_for_pod(grandchild), request=SHELL)
    assert refused.value.code == "too_deep"


def test_nothing_is_left_of_what_a_quota_refused(parent):
    limit(max_children=0)
    before = Pod.objects.count(), Workspace.objects.count()
    with pytest.raises(QuotaError):
        call(parent, "create_pod", agent_type="shell")
    assert (Pod.objects.count(), Workspace.objects.count()) == before
    assert not Binding.objects.exists()


def test_a_pod_says_what_it_does_and_stays_in_its_state(cast, parent):
    told = call(parent, "report_status", status="waiting", text="Which database?")
    parent.refresh_from_db()
    assert (parent.status, parent.status_text) == ("waiting", "Which database?")
    assert parent.status_since
    assert parent.state == PodState.RUNNING
    assert told.data == {"status": "waiting", "text": "Which database?"}
    note = PodEvent.objects.get(pod=parent, kind=PodEvent.Kind.NOTE)
    assert (note.step, note.text) == ("waiting", "Which database?")
    seen = run_tool(actor_of(cast.bob), "get_pod", {"pod": parent.key}).data
    assert (seen["status"], seen["status_text"]) == ("waiting", "Which database?")


def test_only_a_pod_reports_a_status_and_only_known_ones(cast, parent):
    with pytest.raises(RefusedError):
        run_tool(actor_of(cast.bob), "report_status", {"status": "done"})
    with pytest.raises(RefusedError):
        call(parent, "report_status", status="sleeping")


def test_a_pod_finds_out_who_it_is_and_a_person_must_say_whom(cast, parent):
    assert call(parent, "get_pod").data["key"] == parent.key
    with pytest.raises(RefusedError):
        run_tool(actor_of(cast.bob), "get_pod", {})


def test_a_list_has_what_one_may_see_and_the_ended_only_if_asked_for(cast, parent):
    child = make_pod(cast.organization, parent=parent, owner=cast.bob)
    make_pod(cast.organization, parent=parent, owner=cast.bob, state=PodState.FAILED)
    make_pod(cast.organization, owner=cast.bob)
    keys = [each["key"] for each in call(parent, "list_pods").data["pods"]]
    assert keys == [child.key, parent.key]
    assert len(call(parent, "list_pods", live=False).data["pods"]) == 3
    assert len(run_tool(actor_of(cast.alice), "list_pods", {}).data["pods"]) == 3


def test_surroundings_are_those_of_the_organization(cast, parent):
    runner = make_runner(
        cast.organization, name="big", agents=[{"slug": "claude", "path": "/bin/claude"}]
    )
    make_runner(cast.stranger, name="theirs")
    make_pod(runner=runner)
    make_repository(cast.organization, slug="mesh", url="https://example.com/mesh.git")
    make_repository(cast.stranger)
    make_agent_type("there", detect="claude")
    make_agent_type("gone", detect="nowhere")
    names = {each["name"]: each for each in call(parent, "list_runners").data["runners"]}
    assert "theirs" not in names
    assert (names["big"]["taken"], names["big"]["agents"]) == (1, ["claude"])
    assert [r["slug"] for r in call(parent, "list_repositories").data["repositories"]] == ["mesh"]
    types = {
        t["slug"]: t["available"] for t in call(parent, "list_agent_types").data["agent_types"]
    }
    assert (types["there"], types["gone"], types["shell"]) == (True, False, True)
    assert (types["claude"], types["codex"]) == (True, False)


@pytest.mark.parametrize(
    ("name", "given", "said"),
    [
        ("create_pod", {}, "create_pod cannot take this: agent_type: Field required."),
        ("get_pod", {"pdo": "x"}, "get_pod cannot take this: pdo: Extra inputs are not permitted."),
        ("nothing", {}, "There is no tool nothing."),
    ],
)
def test_arguments_are_refused_in_a_sentence(parent, name, given, said):
    with pytest.raises(MeshError) as refused:
        call(parent, name, **given)
    assert str(refused.value) == said


def test_each_tool_says_what_it_is_for_and_whether_it_only_reads():
    for each in tools():
        schema = each.schema()
        assert schema["description"].endswith((".", "?")), each.name
        looks = {"read_terminal", "read_document"}  # read_channel moves the cursor
        reads = each.name.startswith(("get_", "list_")) or each.name in looks
        assert schema["annotations"]["readOnlyHint"] is reads, each.name
