"""What follows when a Pod begins to run or has ended. Whoever takes the step calls this, in its transaction."""

from pods import listeners
from pods.lifecycle import ENDED, PodState
from pods.models import Pod
from pods.services.bindings import release_bindings_of


def reached(pod: Pod, state: PodState) -> None:
    if state == PodState.RUNNING:
        for listener in listeners.pod_runs:
            listener(pod)
    elif state in ENDED:
        release_bindings_of(pod)
        for listener in listeners.pod_ended:
            listener(pod)
