"""A Pod's Terminal and Workspace, without a websocket."""

from dataclasses import asdict, is_dataclass
from typing import Any

from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from pods.access import Need, pod_for, terminal_for
from pods.api import asked
from pods.api.documented import FREE, REPEATABLE, whole
from pods.api.door import Door
from pods.api.idempotency import once_on_a_runner
from pods.errors import RefusedError
from pods.services import inputs, terminals

OUTPUT_MAX = 1024 * 1024  # bytes in one answer
LOG_DEFAULT, LOG_MAX = 50, 500  # commits


class TypeIntoPod(Door):
    @extend_schema(
        operation_id="pods_input", parameters=REPEATABLE, request=asked.Input, responses=FREE
    )
    @once_on_a_runner
    def post(self, _request: Request, key: str) -> Response:
        pod = pod_for(self.actor, key, Need.TYPE)
        return Response(_json(terminals.type_into(pod, by=self.actor, **self.taken(asked.Input))))


class ResizePod(Door):
    @extend_schema(
        operation_id="pods_resize", parameters=REPEATABLE, request=asked.Resize, responses=FREE
    )
    def post(self, _request: Request, key: str) -> Response:
        pod = pod_for(self.actor, key, Need.TYPE)
        size = self.taken(asked.Resize)
        inputs.check_size(size["cols"], size["rows"])
        terminals.resize(pod, by=self.actor, **size)
        return Response(size)


class PodScreen(Door):
    @extend_schema(operation_id="pods_screen", responses=FREE)
    def get(self, _request: Request, key: str) -> Response:
        return Response(terminals.screen(terminal_for(self.actor, key)))


class PodOutput(Door):
    @extend_schema(
        operation_id="pods_output",
        description="Bytes of the Terminal. X-Offset is that of the first byte, X-End that of the next ever.",
        parameters=[
            whole("offset", say="First byte wanted."),
            whole("limit", at_least=1, at_most=OUTPUT_MAX, say="At most so many bytes."),
        ],
        responses={(200, "application/octet-stream"): OpenApiTypes.BINARY},
    )
    def get(self, _request: Request, key: str) -> HttpResponse:
        pod = terminal_for(self.actor, key)
        limit = self._number("limit", OUTPUT_MAX)
        if not 1 <= limit <= OUTPUT_MAX:
            raise RefusedError("bad_limit", f"limit is 1 to {OUTPUT_MAX} bytes.", field="limit")
        output = terminals.output(pod, self._number("offset", 0), limit)
        headers = {"X-Offset": str(output.start), "X-End": str(output.end)}
        return HttpResponse(output.data, "application/octet-stream", headers=headers)


class PodWorkspace(Door):
    @extend_schema(
        operation_id="pods_workspace",
        parameters=[OpenApiParameter("refresh", bool, description="Ask again, not from a cache.")],
        responses=FREE,
    )
    def get(self, request: Request, key: str) -> Response:
        pod = pod_for(self.actor, key, Need.READ)
        refresh = request.query_params.get("refresh", "") in {"1", "true"}
        return Response(terminals.workspace(pod, refresh=refresh))


class PodLog(Door):
    @extend_schema(
        operation_id="pods_workspace_log",
        parameters=[whole("limit", at_least=1, at_most=LOG_MAX, say="Commits, newest first.")],
        responses=FREE,
    )
    def get(self, _request: Request, key: str) -> Response:
        pod = pod_for(self.actor, key, Need.READ)
        limit = self._number("limit", LOG_DEFAULT)
        if not 1 <= limit <= LOG_MAX:
            raise RefusedError("bad_limit", f"limit is 1 to {LOG_MAX} commits.", field="limit")
        return Response(terminals.workspace_log(pod, limit=limit))


class PodDiff(Door):
    @extend_schema(
        operation_id="pods_workspace_diff",
        description="Files with their patches, page by page. The pages of one diff are of one moment.",
        parameters=[
            OpenApiParameter(
                "base", str, description="Compared with: HEAD or a name; where the branch began."
            ),
            OpenApiParameter("path", str, description="One file or folder."),
            OpenApiParameter("cursor", str, description="Given by `next`."),
            OpenApiParameter("listed", bool, description="Every file, without patches."),
        ],
        responses=FREE,
    )
    def get(self, request: Request, key: str) -> Response:
        pod = pod_for(self.actor, key, Need.READ)
        asked = {name: request.query_params.get(name, "") for name in ("base", "path", "cursor")}
        if asked["base"] not in {"", "HEAD"}:
            inputs.check_ref(asked["base"], field="base")
        inputs.check_path(asked["path"])
        listed = request.query_params.get("listed", "") in {"1", "true"}
        return Response(terminals.workspace_diff(pod, **asked, listed=listed))


def _json(answer: Any) -> Any:
    return asdict(answer) if is_dataclass(answer) and not isinstance(answer, type) else answer
