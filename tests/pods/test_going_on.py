"""Archive, resume and fork: what may go on from what, and that of two at once one wins."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
from django.db import connections
from django.utils.timezone import now

from accounts.models import Role
from pods.commands import CommandKind, CommandState
from pods.errors import ConflictError, NotAllowedError, RefusedError
from pods.lifecycle import ENDED, PodState
from pods.models import Command, Pod, Prompt, Workspace
from pods.services import archive, workspaces
from pods.services.archive import archive_pod, remove_left_behind, unarchive_pod
from pods.services.resume import fork_pod, resume_pod
from tests import builders

SPEC = {
    "argv": ["claude"],
    "env": {"A": "b"},
    "agent": {"launch": {"argv": ["claude"], "resume": ["claude", "-r"], "fork": []}},
    "permissions": "ask",
    "model": "",
    "version": "",
    "session": "s-1",
    "conversation": "",
    "resume": False,
    "fork": False,
    "secrets": {},
    "login": "",
}


@pytest.fixture
def alice(cast):
    return builders.actor_of(cast.alice)


@pytest.fixture
def ended(cast):
    """bob's Pod, ended, in a Workspace of a repository."""
    runner = builders.make_runner(cast.organization)
    repository = builders.make_repository(cast.organization)
    return builders.make_pod(
        cast.organization,
        owner=cast.bob,
        runner=runner,
        state=PodState.COMPLETED,
        spec=SPEC,
        name="Fix it",
        workspace=builders.make_workspace(
            runner, repository=repository, branch="mesh/x", base="main", path="/w/x"
        ),
    )


# ---- Archive


@pytest.mark.parametrize("state", sorted(set(PodState) - ENDED))
def test_a_pod_that_lives_is_not_archived(cast, alice, state):
    pod = builders.make_pod(cast.organization, state=PodState(state))
    with pytest.raises(ConflictError, match="terminate it first"):
        archive_pod(pod, by=alice)
    pod.refresh_from_db()
    assert pod.archived_at is None


def test_archiving_is_noted_once_and_can_be_undone(ended, alice):
    first = archive_pod(ended, by=alice).archived_at
    assert archive_pod(ended, by=alice).archived_at == first
    assert ended.events.filter(text="Archived by alice.").count() == 1
    assert unarchive_pod(ended, by=alice).archived_at is None
    unarchive_pod(ended, by=alice)
    assert ended.events.filter(text="Brought back by alice.").count() == 1


# ---- Resume


def test_a_resumed_pod_is_the_same_launch_in_the_same_workspace_on_the_same_runner(ended, cast):
    bob = builders.actor_of(cast.bob)
    new = resume_pod(ended, by=bob, prompt="Go on")
    assert new.resumed_from == ended
    assert (new.workspace, new.runner, new.name) == (ended.workspace, ended.runner, "Fix it")
    assert new.spec == {**SPEC, "conversation": "s-1", "resume": True}
    assert Prompt.objects.get(pod=new).text == "Go on"
    payload = Command.objects.get(pod=new, kind=CommandKind.START).payload
    assert payload["resumes"] == ended.key
    assert payload["resume"] is True
    assert payload["session"] == "s-1"
    ended.refresh_from_db()
    assert ended.spec == SPEC


def test_what_cannot_be_resumed_says_why(ended, cast, alice):
    def refused(pod: Pod) -> str:
        with pytest.raises(ConflictError) as error:
            resume_pod(pod, by=alice)
        return error.value.code

    living = builders.make_pod(cast.organization)
    assert refused(living) == "pod_not_ended"
    never = builders.make_pod(cast.organization, state=PodState.FAILED, started_at=None)
    assert refused(never) == "no_workspace"
    Workspace.objects.filter(pk=ended.workspace_id).update(removed_at=now())
    assert refused(ended) == "workspace_removed"
    Workspace.objects.filter(pk=ended.workspace_id).update(removed_at=None)
    resume_pod(ended, by=alice)
    assert refused(ended) == "workspace_in_use"


def test_a_workspace_on_its_way_out_is_not_resumed_in_and_the_other_way_round(ended, alice):
    workspaces.queue_removal(ended, ended.workspace, {})
    with pytest.raises(ConflictError) as error:
        resume_pod(ended, by=alice)
    assert error.value.code == "workspace_going"
    Command.objects.filter(kind=CommandKind.REMOVE).advance(CommandState.CANCELLED)
    resume_pod(ended, by=alice)
    with pytest.raises(ConflictError) as error:
        workspaces.queue_removal(ended, ended.workspace, {})
    assert error.value.code == "workspace_in_use"


def test_viewers_go_on_with_nothing(ended, cast):
    vera = builders.make_user("vera", organization=cast.organization, role=Role.VIEWER)
    for go_on in (resume_pod, fork_pod):
        with pytest.raises(NotAllowedError):
            go_on(ended, by=builders.actor_of(vera))


@pytest.mark.django_db(transaction=True)
def test_of_two_who_resume_at_once_one_goes_on(db):
    cast = builders.make_cast()
    runner = builders.make_runner(cast.organization)
    pod = builders.make_pod(
        runner=runner,
        owner=cast.alice,
        state=PodState.COMPLETED,
        spec=SPEC,
        organization=cast.organization,
    )
    alice, together = builders.actor_of(cast.alice), Barrier(4)

    def resume(_: int) -> str:
        try:
            together.wait(10)
            return resume_pod(Pod.objects.get(pk=pod.pk), by=alice).key
        except ConflictError as error:
            return error.code
        finally:
            connections.close_all()

    with ThreadPoolExecutor(4) as pool:
        said = sorted(pool.map(resume, range(4)))
    assert said.count("workspace_in_use") == 3, said
    assert Pod.objects.filter(resumed_from=pod).count() == 1


@pytest.mark.django_db(transaction=True)
def test_of_one_who_resumes_and_one_who_removes_at_once_one_goes_first(db):
    cast = builders.make_cast()
    pod = builders.make_pod(
        cast.organization, owner=cast.alice, state=PodState.COMPLETED, spec=SPEC
    )
    alice, together = builders.actor_of(cast.alice), Barrier(2)

    def resume() -> str:
        resume_pod(Pod.objects.get(pk=pod.pk), by=alice)
        return "resumed"

    def remove() -> str:
        from django.db import transaction

        mine = Pod.objects.select_related("runner", "workspace").get(pk=pod.pk)
        with transaction.atomic():
            workspaces.queue_removal(mine, mine.workspace, {})
        return "removed"

    def attempt(act) -> str:
        try:
            together.wait(10)
            return act()
        except ConflictError as error:
            return error.code
        finally:
            connections.close_all()

    with ThreadPoolExecutor(2) as pool:
        said = set(pool.map(attempt, [resume, remove]))
    assert said in ({"resumed", "workspace_in_use"}, {"removed", "workspace_going"})


# ---- Fork


def test_a_fork_has_a_workspace_of_its_own_from_where_the_other_stands(ended, alice):
    new = fork_pod(ended, by=alice, prompt="Try it another way", branch="topic/x")
    assert new.forked_from == ended
    assert new.workspace != ended.workspace
    assert (new.workspace.repository, new.workspace.branch) == (
        ended.workspace.repository,
        "topic/x",
    )
    payload = Command.objects.get(pod=new, kind=CommandKind.START).payload
    assert payload["workspace"]["fork_of"] == ended.key
    assert "resumes" not in payload  # this program cannot fork a conversation


def test_a_fork_of_a_conversation_needs_the_others_home(ended, alice):
    launch = {"argv": ["x"], "resume": ["x"], "fork": ["x", "--fork"]}
    Pod.objects.filter(pk=ended.pk).update(
        spec={**SPEC, "agent": {"launch": launch}}, conversation="c-9"
    )
    new = fork_pod(Pod.objects.get(pk=ended.pk), by=alice)
    payload = Command.objects.get(pod=new, kind=CommandKind.START).payload
    assert (payload["resumes"], payload["fork"]) == (ended.key, True)
    assert payload["conversation"] == "c-9"


def test_a_pod_that_lives_can_be_forked(cast, alice):
    runner = builders.make_runner(cast.organization)
    repository = builders.make_repository(cast.organization)
    pod = builders.make_pod(
        runner=runner, spec=SPEC, workspace=builders.make_workspace(runner, repository=repository)
    )
    assert fork_pod(pod, by=alice).state == PodState.PENDING


def test_what_cannot_be_forked_says_why(cast, ended, alice):
    bare = builders.make_pod(cast.organization, state=PodState.COMPLETED, spec=SPEC)
    with pytest.raises(ConflictError) as error:
        fork_pod(bare, by=alice)
    assert error.value.code == "no_git"
    with pytest.raises(RefusedError):
        fork_pod(ended, by=alice, branch="a..b")
    assert Workspace.objects.filter(repository=ended.workspace.repository).count() == 1


# ---- What nobody looks after


def archived_for(pod: Pod, days: float) -> None:
    Pod.objects.filter(pk=pod.pk).update(archived_at=now() - timedelta(days=days))


def test_workspaces_go_fourteen_days_after_their_last_pod_was_archived(ended, alice):
    assert remove_left_behind() == 0
    archived_for(ended, 13.9)
    assert remove_left_behind() == 0
    archived_for(ended, 14.1)
    assert remove_left_behind() == 1
    command = Command.objects.get(kind=CommandKind.REMOVE)
    assert command.payload == {
        "pod": ended.key,
        "force": False,
        "why": "It was archived 14 days ago.",
    }
    assert remove_left_behind() == 0


def test_a_workspace_stays_while_one_of_its_pods_is_not_archived(ended, alice):
    builders.make_pod(
        runner=ended.runner, workspace=ended.workspace, state=PodState.FAILED, spec=SPEC
    )
    archived_for(ended, 100)
    assert remove_left_behind() == 0


def test_one_that_was_kept_is_asked_for_again_a_day_later(ended):
    archived_for(ended, 20)
    remove_left_behind()
    over(ended, CommandKind.REMOVE, CommandState.FAILED, error="It is kept: 1 files …")
    ended.workspace.refresh_from_db()
    assert ended.workspace.kept_because == "It is kept: 1 files …"
    assert remove_left_behind() == 0
    long_ago = now() - archive.ASKED_AGAIN_AFTER - timedelta(minutes=1)
    Workspace.objects.update(removal_asked_at=long_ago)
    assert remove_left_behind() == 1


def over(pod: Pod, kind: CommandKind, state: CommandState, **told: object) -> None:
    command = Command.objects.filter(pod=pod, kind=kind).latest("seq")
    Command.objects.filter(pk=command.pk).advance(CommandState.SENT)
    Command.objects.filter(pk=command.pk).advance(state, **told)
    command.refresh_from_db()
    workspaces.command_over(command)


def test_what_was_removed_is_known_and_can_come_back(ended):
    workspaces.queue_removal(ended, ended.workspace, {})
    over(ended, CommandKind.REMOVE, CommandState.DONE)
    ended.workspace.refresh_from_db()
    assert ended.workspace.removed_at
    archived_for(ended, 100)
    assert remove_left_behind() == 0
    assert "had back" in ended.events.last().text
