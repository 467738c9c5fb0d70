from django.urls import path, re_path

from pods.pages import (
    agent_types,
    bindings,
    board,
    credentials,
    new_pod,
    palette,
    pod,
    prompts,
    repositories,
    runners,
    updates,
    workspace,
)

VERBS = "|".join(runners.VERBS)

urlpatterns = [
    path("", board.board, name="pods"),
    path("palette/", palette.palette, name="palette"),
    path("pods/new/", new_pod.new_pod, name="new-pod"),
    path("pods/<slug:key>/", pod.pod, name="pod"),
    path("pods/<slug:key>/terminate/", pod.terminate, name="terminate-pod"),
    path("pods/<slug:key>/peek/", board.peek, name="pod-peek"),
    path("pods/<slug:key>/last-lines/", board.last_lines, name="pod-last-lines"),
    path("pods/<slug:key>/prompts/", prompts.queue, name="pod-prompts"),
    path("pods/<slug:key>/prompts/add/", prompts.add, name="queue-prompt"),
    path("pods/<slug:key>/prompts/empty/", prompts.empty, name="empty-queue"),
    path("pods/<slug:key>/answer/", prompts.answer, name="answer-question"),
    path("pods/<slug:key>/interrupt/", prompts.interrupt, name="interrupt-pod"),
    re_path(
        rf"^prompts/(?P<prompt_id>[0-9]{{1,18}})/(?P<verb>{'|'.join(prompts.VERBS)})/$",
        prompts.act,
        name="act-on-prompt",
    ),
    path("pods/<slug:key>/workspace/", workspace.workspace, name="pod-workspace"),
    path("pods/<slug:key>/diff/", workspace.diff, name="pod-diff"),
    path("pods/<slug:key>/bindings/", bindings.bindings, name="pod-bindings"),
    path("pods/<slug:key>/bindings/request/", bindings.request_one, name="request-binding"),
    path("pods/<slug:key>/typed/", bindings.typed, name="pod-typed"),
    re_path(
        rf"^bindings/(?P<binding_id>[0-9]{{1,18}})/(?P<verb>{'|'.join(bindings.VERBS)})/$",
        bindings.act,
        name="act-on-binding",
    ),
    path("agent-types/", agent_types.agent_types, name="agent-types"),
    path("agent-types/new/", agent_types.new_agent_type, name="new-agent-type"),
    path("agent-types/<slug:slug>/", agent_types.agent_type, name="agent-type"),
    path(
        "agent-types/<slug:slug>/switch/", agent_types.switch_agent_type, name="switch-agent-type"
    ),
    path("keys/", credentials.credentials, name="credentials"),
    path("keys/<int:set_id>/", credentials.credential_set, name="credential-set"),
    path(
        "keys/<int:set_id>/delete/",
        credentials.delete_credential_set,
        name="delete-credential-set",
    ),
    path("runners/", runners.runners, name="runners"),
    path("runners/enroll/", runners.enroll, name="enroll-runner"),
    path("runners/joining/<int:token_id>/", runners.joining, name="joining"),
    path("runners/<int:runner_id>/update/", updates.update, name="update-runner"),
    path("runners/<int:runner_id>/update/cancel/", updates.cancel, name="cancel-update"),
    path("runners/roll-out/", updates.roll_out, name="roll-out"),
    path("runners/roll-out/<int:rollout_id>/stop/", updates.stop, name="stop-rollout"),
    re_path(
        rf"^runners/(?P<runner_id>[0-9]{{1,18}})/(?P<verb>{VERBS})/$",
        runners.act,
        name="act-on-runner",
    ),
    path("repositories/", repositories.repositories, name="repositories"),
    path("repositories/<slug:slug>/remove/", repositories.remove, name="remove-repository"),
]
