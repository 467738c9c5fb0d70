"""`Idempotency-Key`: a POST that is sent again is answered again, not done again."""

import base64
import hashlib
import json
from collections.abc import Callable
from functools import wraps
from typing import Any

from cryptography.fernet import Fernet
from django.conf import settings
from django.db import IntegrityError, transaction
from rest_framework.exceptions import APIException
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from pods.api.door import Door
from pods.api.errors import MismatchError, handle
from pods.errors import (
    ConflictError,
    MeshError,
    NotAllowedError,
    NotVisibleError,
    RefusedError,
    RunnerOfflineError,
)
from pods.models import IdempotentAnswer

KEY_MAX = 200
REPLAYED = "Idempotent-Replayed"

NOTHING_DONE = (
    APIException,
    ConflictError,
    NotAllowedError,
    NotVisibleError,
    RefusedError,
    RunnerOfflineError,
)
PERHAPS_DONE = {"unconfirmed"}  # typed, and not seen to be read

_Post = Callable[..., Response]


def once(post: _Post) -> _Post:
    """For what is a change of rows alone: done and remembered in one transaction, so exactly once.

    What is refused is not remembered: its repeat is judged anew.
    """

    @wraps(post)
    def remembered(view: Door, request: Request, *args: Any, **kwargs: Any) -> Response:
        claim = _Claim.of(view, request)
        if claim is None:
            return post(view, request, *args, **kwargs)
        with transaction.atomic():
            if (
                not claim.taken()
            ):  # a repeat at the same moment waits here for the first one's commit
                return claim.earlier_answer()
            response = post(view, request, *args, **kwargs)
            claim.remember(response)
        return response

    return remembered


def once_on_a_runner(post: _Post) -> _Post:
    """For what a Runner does meanwhile: claimed first, remembered after, in no transaction.

    A repeat in between, or after a crash in between, gets 409: it may have been done.
    """

    @wraps(post)
    def remembered(view: Door, request: Request, *args: Any, **kwargs: Any) -> Response:
        claim = _Claim.of(view, request)
        if claim is None:
            return post(view, request, *args, **kwargs)
        if not claim.taken():
            return claim.earlier_answer()
        try:
            response = post(view, request, *args, **kwargs)
        except Exception as error:
            claim.settle(error)
            raise
        claim.remember(response)
        return response

    return remembered


class _Claim:
    """One caller's key for one request."""

    def __init__(self, owner: str, key: str, fingerprint: str) -> None:
        self._fingerprint = fingerprint
        self._row = IdempotentAnswer.objects.filter(owner=owner, key=key)
        self._owner, self._key = owner, key

    @classmethod
    def of(cls, view: Door, request: Request) -> "_Claim | None":
        key = request.headers.get("Idempotency-Key")
        if key is None:
            return None
        if not key.isprintable() or not 0 < len(key) <= KEY_MAX:
            raise RefusedError(
                "bad_idempotency_key",
                f"An Idempotency-Key has 1 to {KEY_MAX} printable characters.",
            )
        asked = json.dumps([request.method, request.path, request.data], sort_keys=True)
        owner = f"{view.actor.kind}:{view.actor.id}:{view.actor.organization_id}"
        return cls(owner, key, hashlib.sha256(asked.encode()).hexdigest())

    def taken(self) -> bool:
        """Whether this request is the first with its key."""
        try:
            with transaction.atomic():
                IdempotentAnswer.objects.create(
                    owner=self._owner, key=self._key, fingerprint=self._fingerprint
                )
        except IntegrityError:
            return False
        return True

    def earlier_answer(self) -> Response:
        """Raises MismatchError for another request, ConflictError while there is no answer yet."""
        row = self._row.first()
        if row and row.fingerprint != self._fingerprint:
            raise MismatchError(
                "idempotency_mismatch", "This Idempotency-Key was used for another request."
            )
        if row is None or row.status is None:
            raise ConflictError(
                "idempotency_in_progress",
                "The first request with this Idempotency-Key has no answer yet: it is being done, or "
                "was cut off. Look at what it was to change before you use a new key.",
            )
        return Response(self._open(str(row.body)), status=row.status, headers={REPLAYED: "true"})

    def remember(self, response: Response) -> None:
        self._row.update(status=response.status_code, body=self._seal(response.data))

    def settle(self, error: Exception) -> None:
        """What was refused may be tried again; what may have been done is not done again."""
        if isinstance(error, NOTHING_DONE) and getattr(error, "code", "") not in PERHAPS_DONE:
            self._row.delete()
        elif isinstance(error, MeshError):
            self.remember(handle(error, {}))

    def _seal(self, data: object) -> str:
        """An answer may hold a secret that is shown once, so it is not kept readable."""
        return self._cipher().encrypt(JSONRenderer().render(data)).decode()

    def _open(self, sealed: str) -> Any:
        return json.loads(self._cipher().decrypt(sealed.encode()))

    def _cipher(self) -> Fernet:
        seed = f"{settings.SECRET_KEY}\0{self._owner}\0{self._key}".encode()
        return Fernet(base64.urlsafe_b64encode(hashlib.sha256(seed).digest()))
