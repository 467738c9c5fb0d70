"""What every view of the API shares: who asks, how much, and how lists are cut into pages."""

from collections.abc import Iterable
from typing import Any, cast

from django.db.models import Model, QuerySet
from rest_framework import exceptions as rest
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.parsers import BaseParser
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer
from rest_framework.views import APIView

from accounts.actor import Actor
from accounts.errors import NotSignedInError
from pods.api.parsing import StrictJson, check_address, check_body
from pods.api.signing_in import ByLogin, ByToken, SignedIn
from pods.api.throttling import Throttle, check_stranger
from pods.errors import RefusedError

PAGE_DEFAULT, PAGE_MAX = 50, 200


class JsonAlways(BaseContentNegotiation):
    """Whatever is accepted: an API that answers in one form says so best by answering."""

    def select_parser(self, request: Request, parsers: Iterable[BaseParser]) -> BaseParser | None:
        kind = (request.content_type or "").partition(";")[0].strip().lower()
        return next((parser for parser in parsers if parser.media_type == kind), None)

    def select_renderer(
        self, _request: Request, renderers: Iterable[BaseRenderer], _suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        renderer = next(iter(renderers))
        return renderer, str(renderer.media_type)


class Door(APIView):
    authentication_classes = (ByToken, ByLogin)
    permission_classes = (SignedIn,)
    throttle_classes = (Throttle,)
    parser_classes = (StrictJson,)
    content_negotiation_class = JsonAlways
    metadata_class = None

    @property
    def actor(self) -> Actor:
        return cast("Actor", self.request.auth)

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        check_address(request)
        check_body(request)
        super().initial(request, *args, **kwargs)

    def handle_exception(self, exc: Exception) -> Response:
        if isinstance(exc, NotSignedInError | rest.NotAuthenticated | rest.AuthenticationFailed):
            try:
                check_stranger(self.request.META.get("REMOTE_ADDR", ""))
            except rest.Throttled as throttled:
                exc = throttled
        return super().handle_exception(exc)

    def taken(self, shape: type[BaseSerializer[Any]]) -> dict[str, Any]:
        """The body as `shape` understands it. Raises ValidationError."""
        reader = shape(data=self.request.data)
        reader.is_valid(raise_exception=True)
        return cast("dict[str, Any]", reader.validated_data)

    def page(
        self, rows: QuerySet[Any], shape: type[BaseSerializer[Any]], *, oldest_first: bool = False
    ) -> Response:
        """One page of rows, newest first; `next` is the URL of the following one."""
        cursor, size = self._number("cursor", 0), self._number("limit", PAGE_DEFAULT)
        if not 1 <= size <= PAGE_MAX:
            raise RefusedError("bad_limit", f"limit is 1 to {PAGE_MAX}.", field="limit")
        if cursor:
            rows = rows.filter(pk__gt=cursor) if oldest_first else rows.filter(pk__lt=cursor)
        found = list(rows.order_by("pk" if oldest_first else "-pk")[: size + 1])
        results = shape(found[:size], many=True, context={"request": self.request}).data
        return Response({"results": results, "next": self._next(found, size)})

    def _next(self, found: list[Model], size: int) -> str | None:
        if len(found) <= size:
            return None
        query = self.request.query_params.copy()
        query["cursor"] = str(found[size - 1].pk)
        return self.request.build_absolute_uri(f"{self.request.path}?{query.urlencode()}")

    def _number(self, name: str, default: int) -> int:
        text = self.request.query_params.get(name, "")
        if not text:
            return default
        if not (text.isascii() and text.isdecimal() and len(text) <= 18):  # noqa: PLR2004 - fits 64 bits
            raise RefusedError(f"bad_{name}", f"{name} is a whole number.", field=name)
        return int(text)


class Nowhere(Door):
    """Every address below the API that is not there."""

    schema = None

    def _refuse(self, _request: Request, **_path: str) -> Response:
        raise rest.NotFound(
            "There is nothing at this address. Addresses end in a slash; /api/docs/ lists them."
        )

    get = post = put = patch = delete = _refuse
