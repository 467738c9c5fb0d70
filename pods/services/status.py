"""What an agent says of itself. It never changes the Pod's state."""

from django.db import transaction
from django.utils.timezone import now

from accounts.actor import Actor, ActorKind
from pods.errors import RefusedError
from pods.models import Pod, PodEvent
from pods.news import announce

TEXT_MAX = 500


def report(*, by: Actor, status: str, text: str) -> Pod:
    """`status`: working, waiting (for a person) or done (with a result). Raises RefusedError for others than Pods."""
    if by.kind is not ActorKind.POD or by.pod_id is None:
        raise RefusedError("not_a_pod", "Only an agent in a Pod reports its status.")
    said = text.replace("\0", "")[:TEXT_MAX]
    with transaction.atomic():
        Pod.objects.filter(pk=by.pod_id).update(status=status, status_text=said, status_since=now())
        PodEvent.objects.create(pod_id=by.pod_id, kind=PodEvent.Kind.NOTE, step=status, text=said)
        pod = Pod.objects.get(pk=by.pod_id)
        announce(pod.organization_id, "pod", pod.key, pod.state)
    return pod
