"""What an Actor may see and do. The only way to a Pod, or to any other row, for a door."""

from enum import StrEnum

from django.db.models import F, Q, QuerySet

from accounts.access import require
from accounts.actor import Actor, ActorKind, Scope
from pods.bindings import BindingScope
from pods.errors import NotAllowedError, NotVisibleError
from pods.lifecycle import ENDED
from pods.models import AgentType, Binding, Command, CredentialSet, Pod, Repository, Runner
from pods.models.agent_type import AgentTypeQuerySet
from pods.models.binding import BindingQuerySet
from pods.models.command import CommandQuerySet
from pods.models.credential import CredentialSetQuerySet
from pods.models.pod import PodQuerySet
from pods.models.runner import RunnerQuerySet


class Need(StrEnum):
    READ = "read"
    TYPE = "type"
    MANAGE = "manage"


_POD_SCOPES = {
    Need.READ: Scope.PODS_READ,
    Need.TYPE: Scope.TERMINAL_WRITE,
    Need.MANAGE: Scope.PODS_WRITE,
}

POD_WITH = ("agent_type", "credentials", "organization", "owner", "runner", "workspace__repository")
"""What a Pod is shown with, fetched in the same query."""

_ORIGINS = ("forked_from", "resumed_from", "parent")
"""In lists these, too. Of a single Pod they are fetched if it has any: to join three more Pods takes 3 ms."""


# ---- Pods


def actor_for_pod(pod: Pod) -> Actor:
    """The Pod itself as the one who asks, through its own token."""
    return Actor(
        kind=ActorKind.POD,
        id=pod.pk,
        name=str(pod),
        organization_id=pod.organization_id,
        user_id=pod.owner_id,
        pod_id=pod.pk,
    )


def pods_for(actor: Actor) -> PodQuerySet:
    """Every Pod this Actor may read."""
    require(actor, Scope.PODS_READ)
    pods = _pods_of(actor)
    if actor.kind == ActorKind.POD:
        bound = _bound(actor, BindingScope.READ).values("target_id")
        return pods.filter(Q(pk__in=_family(actor.pod_id)) | Q(pk__in=bound))
    return pods


def pod_for(actor: Actor, key: str, need: Need) -> Pod:
    """Raises NotVisibleError for what is not there for this Actor, NotAllowedError for what is not theirs."""
    require(actor, _POD_SCOPES[need])
    pod = _visible_pod(actor, key)
    if need != Need.READ and not _owns(actor, pod):
        raise NotAllowedError("not_yours", f"Only its owner and admins may {need} {pod.key}.")
    return pod


def terminal_for(actor: Actor, key: str) -> Pod:
    """The Pod whose Terminal this Actor wants to read. With its Runner alone: who looks asks once a second."""
    require(actor, Scope.TERMINAL_READ)
    return _visible_pod(actor, key, ("runner",))


def may_see_terminal(actor: Actor, pod: Pod) -> bool:
    return actor.has(Scope.TERMINAL_READ) and _sees(actor, pod)


def may_type(actor: Actor, pod: Pod) -> bool:
    return actor.has(Scope.TERMINAL_WRITE) and _sees(actor, pod) and _owns(actor, pod)


def may_manage(actor: Actor, pod: Pod) -> bool:
    return actor.has(Scope.PODS_WRITE) and _sees(actor, pod) and _owns(actor, pod)


def check_may_create(actor: Actor) -> None:
    """Whether this Actor may make Pods and Repositories at all. Raises NotAllowedError."""
    require(actor, Scope.PODS_WRITE)
    if not (actor.may_write or actor.kind == ActorKind.POD):
        raise NotAllowedError("read_only", "Viewers cannot do this: ask an admin for another role.")


# ---- Bindings


def askable_pod(actor: Actor, key: str) -> Pod:
    """A Pod of the Organization that has not ended. One may ask for a Binding to it without seeing more of it."""
    require(actor, Scope.PODS_READ)
    pod = _pods_of(actor).filter(key=key).exclude(state__in=ENDED).first()
    if pod is None:
        raise NotVisibleError("no_such_pod", f"There is no living Pod “{key}”.")
    return pod


def bindings_for(actor: Actor) -> BindingQuerySet:
    """Those of the Organization; for a Pod those it holds and those on its own Terminal."""
    require(actor, Scope.PODS_READ)
    bindings = Binding.objects.filter(organization_id=actor.organization_id)
    if actor.kind == ActorKind.POD:
        bindings = bindings.touching(actor.pod_id)
    return bindings.select_related("holder", "target", "organization")


def binding_for(actor: Actor, binding_id: int) -> Binding:
    """Who may answer or release it is judged by the services."""
    binding = bindings_for(actor).filter(pk=binding_id).first()
    if binding is None:
        raise NotVisibleError("no_such_binding", f"There is no Binding {binding_id}.")
    return binding


# ---- Other rows


def runners_for(actor: Actor) -> RunnerQuerySet:
    """Runners this Actor may read: those of the Organization that are not retired."""
    if not actor.has(Scope.RUNNERS_MANAGE):
        require(actor, Scope.PODS_READ)
    return Runner.objects.filter(organization_id=actor.organization_id, retired_at=None)


def runner_for(actor: Actor, runner_id: int, need: Need = Need.READ) -> Runner:
    if need != Need.READ:
        check_manages_runners(actor)
    runner = runners_for(actor).filter(pk=runner_id).first()
    if runner is None:
        raise NotVisibleError("no_such_runner", f"There is no Runner {runner_id}.")
    return runner


def check_manages_runners(actor: Actor) -> None:
    require(actor, Scope.RUNNERS_MANAGE)
    if not actor.manages_all:
        raise NotAllowedError("not_an_admin", "Only admins and owners manage Runners.")


def repositories_for(actor: Actor) -> QuerySet[Repository]:
    require(actor, Scope.PODS_READ)
    return Repository.objects.filter(organization_id=actor.organization_id)


def repository_for(actor: Actor, slug: str, need: Need = Need.READ) -> Repository:
    if need != Need.READ:
        check_may_create(actor)
    repository = repositories_for(actor).filter(slug=slug).first()
    if repository is None:
        raise NotVisibleError("no_such_repository", f"There is no repository “{slug}”.")
    return repository


def agent_types_for(actor: Actor) -> AgentTypeQuerySet:
    require(actor, Scope.PODS_READ)
    return AgentType.objects.all().visible_to(actor.organization_id)


def agent_type_for(actor: Actor, slug: str) -> AgentType:
    """The Organization's own, also when it is disabled, before a built-in one of the same slug."""
    known = agent_types_for(actor) | AgentType.objects.filter(organization_id=actor.organization_id)
    own_first = F("organization").asc(nulls_last=True)
    agent_type = known.filter(slug=slug).order_by(own_first).first()
    if agent_type is None:
        raise NotVisibleError("no_such_agent_type", f"There is no agent type “{slug}”.")
    return agent_type


def check_manages_agent_types(actor: Actor) -> None:
    check_may_create(actor)
    if not actor.manages_all:
        raise NotAllowedError("not_an_admin", "Only admins and owners make agent types.")


def credentials_for(actor: Actor) -> CredentialSetQuerySet:
    """The sets this Actor may use: the Organization's and the person's own. Never with their secrets."""
    check_may_create(actor)
    return CredentialSet.objects.all().usable_by(actor.organization_id, actor.user_id)


def credential_set_for(actor: Actor, set_id: int, need: Need = Need.READ) -> CredentialSet:
    found = credentials_for(actor).filter(pk=set_id).first()
    if found is None:
        raise NotVisibleError("no_such_credentials", f"There is no credential set {set_id}.")
    if need != Need.READ:
        check_manages_credentials(actor, personal=found.user_id is not None)
    return found


def check_manages_credentials(actor: Actor, *, personal: bool) -> None:
    check_may_create(actor)
    if actor.kind == ActorKind.POD:
        raise NotAllowedError("not_a_person", "Only people keep credential sets.")
    if not (personal or actor.manages_all):
        raise NotAllowedError(
            "not_an_admin", "Only admins and owners change the organization's credential sets."
        )


def commands_for(actor: Actor) -> CommandQuerySet:
    """Commands to Runners of the Organization; for a Pod those to itself and its descendants."""
    require(actor, Scope.PODS_READ)
    commands = Command.objects.filter(runner__organization_id=actor.organization_id)
    if actor.kind == ActorKind.POD:
        return commands.filter(pod__in=_family(actor.pod_id))
    return commands


def command_for(actor: Actor, command_id: str) -> Command:
    command = commands_for(actor).select_related("pod").filter(pk=command_id).first()
    if command is None:
        raise NotVisibleError("no_such_command", f"There is no Command {command_id}.")
    return command


# ---- The rules


def _pods_of(actor: Actor) -> PodQuerySet:
    mine = Pod.objects.filter(organization_id=actor.organization_id)
    return mine.select_related(*POD_WITH, *_ORIGINS)


def _visible_pod(actor: Actor, key: str, shown_with: tuple[str, ...] = POD_WITH) -> Pod:
    mine = Pod.objects.filter(organization_id=actor.organization_id, key=key)
    pod = mine.select_related(*shown_with).first()
    if pod is None or not _sees(actor, pod):
        raise NotVisibleError("no_such_pod", f"There is no Pod “{key}”.")
    return pod


def _sees(actor: Actor, pod: Pod) -> bool:
    if pod.organization_id != actor.organization_id:
        return False
    return actor.kind != ActorKind.POD or _reaches(actor, pod, BindingScope.READ)


def _owns(actor: Actor, pod: Pod) -> bool:
    if actor.kind == ActorKind.POD:
        return _reaches(actor, pod, BindingScope.WRITE)
    if actor.manages_all:
        return True
    return actor.may_write and pod.owner_id is not None and pod.owner_id == actor.user_id


def _reaches(actor: Actor, pod: Pod, scope: BindingScope) -> bool:
    """What a Pod may do: all with itself and its descendants, else what a Binding allows."""
    if _descends(pod, actor.pod_id):
        return True
    return _bound(actor, scope).filter(target=pod).exists()


def _bound(actor: Actor, scope: BindingScope) -> BindingQuerySet:
    return Binding.objects.filter(holder_id=actor.pod_id).allowing(scope)


def _descends(pod: Pod, ancestor_id: int | None) -> bool:
    """Whether `pod` is that Pod or was created by it, or by one it created, and so on."""
    at: int | None = pod.pk
    while at is not None and at != ancestor_id:
        at = Pod.objects.filter(pk=at).values_list("parent_id", flat=True).first()
    return at is not None


def _family(pod_id: int | None) -> set[int]:
    family = {pod_id} if pod_id is not None else set()
    newest = family
    while newest:
        newest = set(Pod.objects.filter(parent_id__in=newest).values_list("pk", flat=True)) - family
        family |= newest
    return family
