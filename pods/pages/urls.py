from django.urls import path, re_path

from pods.pages import bindings, board, new_pod, palette, pod, repositories, runners, workspace

VERBS = "|".join(runners.VERBS)

urlpatterns = [
    path("", board.board, name="pods"),
    path("palette/", palette.palette, name="palette"),
    path("pods/new/", new_pod.new_pod, name="new-pod"),
    path("pods/<slug:key>/", pod.pod, name="pod"),
    path("pods/<slug:key>/terminate/", pod.terminate, name="terminate-pod"),
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
    path("runners/", runners.runners, name="runners"),
    path("runners/enroll/", runners.enroll, name="enroll-runner"),
    path("runners/joining/<int:token_id>/", runners.joining, name="joining"),
    re_path(
        rf"^runners/(?P<runner_id>[0-9]{{1,18}})/(?P<verb>{VERBS})/$",
        runners.act,
        name="act-on-runner",
    ),
    path("repositories/", repositories.repositories, name="repositories"),
    path("repositories/<slug:slug>/remove/", repositories.remove, name="remove-repository"),
]
