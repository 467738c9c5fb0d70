"""Every tool that works on another Pod, for every caller: refused, or let through to the Runner, which is away here."""

import pytest

from pods.access import actor_for_pod
from pods.errors import ConflictError, NotAllowedError, NotVisibleError, RunnerOfflineError
from pods.toolbox import run_tool, tools
from tests.pods.test_what_pods_may import CALLERS, MAY, target

__all__ = ["target"]  # the fixture

pytestmark = [pytest.mark.django_db, pytest.mark.sqlite]

READS, TYPES, MANAGES = range(3)
ON_A_POD = {
    "read_terminal": (READS, {}),
    "send_input": (TYPES, {"text": "x"}),
    "queue_prompt": (TYPES, {"text": "x"}),
    "list_prompts": (READS, {}),
    "answer_question": (TYPES, {"question": "1", "choice": "deny"}),
    "interrupt_agent": (TYPES, {}),
    "execute": (MANAGES, {"shell": "true"}),
    "get_workspace": (READS, {}),
    "get_git_log": (READS, {}),
    "get_git_diff": (READS, {}),
    "resume_pod": (MANAGES, {}),
    "fork_pod": (MANAGES, {}),
    "archive_pod": (MANAGES, {}),
}
ELSEWHERE = {"get_pod", "terminate_pod", "create_binding", "list_bindings"}  # test_what_pods_may
AS_ITSELF = {"report_status"}


def answer(actor, name, given):
    """As in `MAY`: True let through, False not allowed, None not visible."""
    try:
        run_tool(actor, name, given)
    except NotAllowedError:
        return False
    except NotVisibleError:
        return None
    except (RunnerOfflineError, ConflictError):
        return True
    return True


@pytest.mark.parametrize("who", [*CALLERS])
@pytest.mark.parametrize("name", [*ON_A_POD])
def test_a_tool_lets_through_whom_it_should(cast, target, name, who):
    actor = actor_for_pod(CALLERS[who](cast, target))
    need, given = ON_A_POD[name]
    assert answer(actor, name, {"pod": target.key} | given) is MAY[who][need]


def test_no_tool_on_pods_is_forgotten():
    on_pods = {tool.name for tool in tools() if "pod" in tool.arguments.model_fields}
    assert on_pods - ELSEWHERE - AS_ITSELF == set(ON_A_POD)
