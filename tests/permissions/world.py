"""One of everything in an Organization, and everybody who may ask for it: people by role, Pods by how they stand to a Pod."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum

from django.db import transaction
from django.utils.timezone import now

from accounts.access import digest
from accounts.actor import Actor
from accounts.invitations import invite
from accounts.models import ApiToken, Membership, Role, User
from channels_app.models import Channel, Message
from channels_app.services import channels, messages
from pods.bindings import BindingState
from pods.commands import CommandKind
from pods.lifecycle import PodState
from pods.models import Binding, Pod, Rollout
from pods.services import reviews
from pods.services.commands import queue_command
from pods.services.prompts import queue_prompt
from pods.services.reviews import Remark
from tests.builders import (
    actor_of,
    make_agent_type,
    make_cast,
    make_credentials,
    make_pod,
    make_repository,
    make_runner,
    make_token,
    make_user,
    make_workspace,
)


class Verdict(StrEnum):
    ALLOWED = "allowed"
    REFUSED = "refused"  # it is seen, but not theirs: 403
    ABSENT = "absent"  # 404
    UNKNOWN = "unknown"  # nobody: 401


class Person(StrEnum):
    OWNER = "owner"
    ADMIN = "admin"
    MEMBER = "member"  # the Pod is theirs
    OTHER = "other member"
    VIEWER = "viewer"
    STRANGER = "stranger"  # owner of another Organization


class Asker(StrEnum):
    """A Pod, by how it stands to the one it asks about."""

    ITSELF = "itself"
    PARENT = "parent"
    CHILD = "child"
    SIBLING = "sibling"
    UNBOUND = "unbound"
    READER = "reader"  # with a Binding to watch it
    WRITER = "writer"  # with a Binding to drive it
    STRANGER_POD = "Pod of another organization"
    ENDED = "ended Pod"  # it had a Binding to drive
    OTHER_RUNNER = "token of another Runner's Pod"
    NO_TOKEN = "key without token"


WITHOUT_A_TOKEN = (Asker.ENDED, Asker.OTHER_RUNNER, Asker.NO_TOKEN)


@dataclass
class World:
    target: Pod
    people: dict[Person, User] = field(default_factory=dict)
    pods: dict[Asker, Pod] = field(default_factory=dict)
    tokens: dict[Asker, str] = field(default_factory=dict)
    secrets: dict[Person, str] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)

    def actor(self, person: Person) -> Actor:
        return actor_of(self.people[person])


@contextmanager
def undone() -> Iterator[None]:
    """What is done inside is not done for the next one who asks."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def make_world() -> World:
    cast = make_cast()
    ours = cast.organization
    people = {
        Person.OWNER: cast.alice,
        Person.ADMIN: make_user("adam", organization=ours, role=Role.ADMIN),
        Person.MEMBER: cast.bob,
        Person.OTHER: make_user("mia", organization=ours),
        Person.VIEWER: make_user("vera", organization=ours, role=Role.VIEWER),
        Person.STRANGER: cast.charlie,
    }
    runner = make_runner(ours, online=False, name="ours", detached_at=now())
    repository = make_repository(ours, slug="ours")
    work = make_workspace(runner, repository=repository, branch="work")
    mine = {"runner": runner, "owner": people[Person.MEMBER]}
    parent = make_pod(**mine)
    target = make_pod(**mine, parent=parent, workspace=work, name="target")
    theirs = {"runner": runner, "owner": people[Person.OTHER]}
    world = World(
        target,
        people,
        {
            Asker.ITSELF: target,
            Asker.PARENT: parent,
            Asker.CHILD: make_pod(**mine, parent=target),
            Asker.SIBLING: make_pod(**mine, parent=parent),
            Asker.UNBOUND: make_pod(**theirs),
            Asker.READER: make_pod(**theirs),
            Asker.WRITER: make_pod(**theirs),
            Asker.STRANGER_POD: make_pod(cast.stranger, owner=cast.charlie),
            Asker.ENDED: make_pod(**theirs, state=PodState.COMPLETED),
            Asker.OTHER_RUNNER: make_pod(ours, owner=people[Person.OTHER]),
            Asker.NO_TOKEN: target,
        },
    )
    _give_tokens(world)
    _bind(world)
    _furnish(world)
    _talk(world)
    return world


def _give_tokens(world: World) -> None:
    for who, pod in world.pods.items():
        world.tokens[who] = f"mesh_pod_{who.name}"
        if who is not Asker.NO_TOKEN:
            Pod.objects.filter(pk=pod.pk).update(token_digest=digest(world.tokens[who]))
    world.tokens[Asker.NO_TOKEN] = world.target.key
    world.secrets = {who: make_token(user) for who, user in world.people.items()}


def _bind(world: World) -> None:
    kinds = {
        Asker.READER: (False, BindingState.ACTIVE),
        Asker.WRITER: (True, BindingState.ACTIVE),
        Asker.OTHER_RUNNER: (True, BindingState.ACTIVE),
        Asker.SIBLING: (False, BindingState.REQUESTED),
        Asker.ENDED: (True, BindingState.RELEASED),
    }
    for who, (can_write, state) in kinds.items():
        binding = Binding.objects.create(
            organization=world.target.organization,
            holder=world.pods[who],
            target=world.target,
            can_write=can_write,
            state=state,
            expires_at=now(),
        )
        world.names[f"{state} {who}"] = str(binding.pk)


def _furnish(world: World) -> None:
    pod, owner = world.target, world.actor(Person.MEMBER)
    organization = pod.organization
    make_agent_type("our-agent", organization=organization)
    command = queue_command(
        runner=pod.runner, kind=CommandKind.EXECUTE, payload={"argv": ["true"]}, pod=pod
    )
    rollout = Rollout.objects.create(
        organization=organization, version="9.9", wait_s=1, asked_by="alice"
    )
    token = ApiToken.objects.get(digest=digest(world.secrets[Person.MEMBER]))
    world.names |= {
        "<slug:key>": pod.key,
        "<int:prompt_id>": str(queue_prompt(pod, by=owner, text="go").pk),
        "<int:comment_id>": str(reviews.comment(pod, Remark("a", 1, "why?"), by=owner).pk),
        "<int:binding_id>": world.names[f"{BindingState.REQUESTED} {Asker.SIBLING}"],
        "<int:runner_id>": str(pod.runner.pk),
        "<int:rollout_id>": str(rollout.pk),
        "<slug:agent_type>": "our-agent",
        "<int:set_id>": str(make_credentials(organization).pk),
        "<slug:slug>": "ours",
        "<uuid:command_id>": str(command.pk),
        "<int:token_id>": str(token.pk),
        "<int:member_id>": str(Membership.objects.get(user=world.people[Person.OTHER]).pk),
        "<int:invitation_id>": str(invite(role=Role.MEMBER, by=world.actor(Person.ADMIN))[0].pk),
    }


def _talk(world: World) -> None:
    """A Channel for all, and one for the Pod's owner and the Pod; both have a message by that person."""
    for name, is_private in (("open", False), ("closed", True)):
        by = world.actor(Person.MEMBER)
        channel: Channel = channels.create_channel(by=by, name=name, is_private=is_private)
        channels.add_pod(channel, world.target, by=by)
        said: Message = messages.post(channel, by=by, body="hello")
        assert said.number == 1
