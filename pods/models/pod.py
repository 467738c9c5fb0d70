from datetime import timedelta
from typing import ClassVar

from django.db import models, transaction
from django.utils.timezone import now

from accounts.models import Organization, User
from pods.lifecycle import LIVE, AgentState, PodState, sources
from pods.models.agent_type import AgentType
from pods.models.credential import CredentialSet
from pods.models.runner import Runner
from pods.models.workspace import Workspace
from pods.names import new_pod_key

TOGETHER = timedelta(seconds=1)


class PodQuerySet(models.QuerySet["Pod"]):
    def live(self) -> "PodQuerySet":
        return self.filter(state__in=LIVE)

    def advance(self, to: PodState, *, reason: str = "", **changes: object) -> bool:
        """Take one Pod's step to `to` and record it; False if it is not legal from where it is.

        One UPDATE both checks and changes the state, so of two writers one wins.
        """
        with transaction.atomic(savepoint=False):
            legal = self.filter(state__in=sources(to))
            before = legal.values_list("pk", "state").first()
            if before is None:
                return False
            pk, was = before
            taken = self.filter(pk=pk, state=was).update(
                state=to, state_since=now(), reason=reason, **changes
            )
            if taken:
                PodEvent.objects.create(
                    pod_id=pk, kind=PodEvent.Kind.STATE, was=was, state=to, text=reason
                )
        return bool(taken)


class Pod(models.Model):
    """One agent running in one Workspace on one Runner."""

    key = models.CharField(max_length=32, unique=True, default=new_pod_key, editable=False)
    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="pods")
    owner = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="pods")
    parent = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.SET_NULL, related_name="children"
    )
    resumed_from = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.SET_NULL, related_name="resumes"
    )
    forked_from = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.SET_NULL, related_name="forks"
    )
    agent_type = models.ForeignKey(AgentType, on_delete=models.PROTECT, related_name="pods")
    runner = models.ForeignKey(
        Runner, null=True, blank=True, on_delete=models.SET_NULL, related_name="pods"
    )
    workspace = models.ForeignKey(
        Workspace, null=True, blank=True, on_delete=models.SET_NULL, related_name="pods"
    )
    credentials = models.ForeignKey(  # whose secrets it was given; none once they are deleted
        CredentialSet, null=True, blank=True, on_delete=models.SET_NULL, related_name="pods"
    )
    name = models.CharField(max_length=100, blank=True)
    prompt = models.TextField(
        blank=True
    )  # what it is for, in words; it is typed as its first Prompt
    prompt_count = models.PositiveIntegerField(default=0, editable=False)  # numbers its Prompts
    wanted = models.JSONField(default=dict)  # placing as asked: {"runner": id?, "labels": {…}}
    spec = models.JSONField(default=dict)  # the resolved launch, as services/launching.py makes it
    cols = models.PositiveIntegerField(default=80)
    rows = models.PositiveIntegerField(default=24)

    state = models.CharField(
        max_length=10, choices=[(s, s) for s in PodState], default=PodState.PENDING, editable=False
    )
    state_since = models.DateTimeField(default=now, editable=False)
    reason = models.CharField(max_length=500, blank=True, editable=False)
    waiting_for = models.CharField(max_length=300, blank=True)  # why no Runner has it yet
    token_digest = models.CharField(  # SHA-256 of the token its Runner made for it
        max_length=64, blank=True, editable=False, db_index=True
    )

    # What the agent says of itself: working, waiting (for a person) or done. Never the Pod's state.
    status = models.CharField(max_length=10, blank=True, editable=False)
    status_text = models.CharField(max_length=500, blank=True, editable=False)
    status_since = models.DateTimeField(null=True, blank=True, editable=False)

    # What its Runner sees the agent do, and by what. Never the Pod's state either.
    agent_state = models.CharField(
        max_length=10,
        choices=[(s, s) for s in AgentState],
        default=AgentState.UNKNOWN,
        editable=False,
    )
    agent_source = models.CharField(max_length=10, blank=True, editable=False)
    agent_text = models.TextField(blank=True, editable=False)
    agent_evidence = models.CharField(max_length=500, blank=True, editable=False)
    agent_since = models.DateTimeField(null=True, blank=True, editable=False)
    question = models.JSONField(  # {id, text, choices}: what it waits for, if it can be answered
        null=True, blank=True, editable=False
    )
    usage = models.JSONField(  # {input, output, cached, model, cost_usd?, context?}
        default=dict, blank=True, editable=False
    )
    conversation = models.CharField(max_length=200, blank=True, editable=False)  # the agent's id

    isolation = models.CharField(max_length=10, blank=True)  # "jail" or "none", once started
    exit_code = models.IntegerField(null=True, blank=True)
    end_offset = models.BigIntegerField(null=True, blank=True)
    created_at = models.DateTimeField(default=now, editable=False, db_index=True)
    started_at = models.DateTimeField(null=True, blank=True, editable=False)
    ended_at = models.DateTimeField(null=True, blank=True, editable=False)
    archived_at = models.DateTimeField(null=True, blank=True)

    objects = PodQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=models.Q(state__in=[*PodState]), name="pod_state_is_known"
            ),
            models.UniqueConstraint(
                fields=["workspace"],
                condition=models.Q(state__in=sorted(LIVE)),
                name="one_live_pod_per_workspace",
            ),
        ]
        indexes: ClassVar = [models.Index(fields=["organization", "state"])]

    def __str__(self) -> str:
        return self.name or self.key


class PodEventQuerySet(models.QuerySet["PodEvent"]):
    def agent_step(self, pod: Pod, to: AgentState, *, source: str, text: str) -> None:
        """Steps that come within a second are one line, so that nothing a Runner says fills the table."""
        last = self.filter(pod=pod, kind=PodEvent.Kind.AGENT).last()
        if last and now() - last.at < TOGETHER:
            self.filter(pk=last.pk).update(state=to, step=source, text=text)
            return
        self.create(
            pod=pod,
            kind=PodEvent.Kind.AGENT,
            was=pod.agent_state,
            state=to,
            step=source,
            text=text,
        )


class PodEvent(models.Model):
    """One step in the life of a Pod: a change of state, progress, what its agent does, or a note."""

    class Kind(models.TextChoices):
        STATE = "state"
        PROGRESS = "progress"
        NOTE = "note"
        AGENT = "agent"  # what it does; `was` and `state` are then an agent's

    pod = models.ForeignKey(Pod, on_delete=models.CASCADE, related_name="events")
    at = models.DateTimeField(default=now, editable=False)
    kind = models.CharField(max_length=10, choices=Kind)
    was = models.CharField(max_length=10, blank=True)
    state = models.CharField(max_length=10, blank=True)
    step = models.CharField(max_length=20, blank=True)  # queued, workspace, agent, ready
    text = models.CharField(max_length=500, blank=True)

    objects = PodEventQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["pk"]

    def __str__(self) -> str:
        return f"{self.pod_id}: {self.was}→{self.state or self.step} {self.text}"


class KeptScreen(models.Model):
    """The last screen known of a Pod: kept when its Runner detaches and when it ends."""

    pod = models.OneToOneField(Pod, on_delete=models.CASCADE, related_name="kept_screen")
    screen = models.JSONField()  # {text, cols, rows, cursor, title, offset}; at most 64 KiB
    as_of = models.DateTimeField(default=now)

    def __str__(self) -> str:
        return f"screen of {self.pod_id}"
