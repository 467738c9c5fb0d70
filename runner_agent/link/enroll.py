"""How this machine becomes a Runner.

Trust is anchored in the token: it ends in the hash of the server's CA certificate, so neither the way to the server's
page nor whoever answers there needs to be trusted.
"""

import email.utils
import http
import http.client
import json
import re
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import grpc

from proto.mesh.v1 import enrollment_pb2 as pb
from proto.mesh.v1 import enrollment_pb2_grpc
from runner_agent import machine
from runner_agent.config import Config, Enrolled, save_enrolled
from runner_agent.errors import ToldError
from runner_agent.link import identity as identities
from runner_agent.link.dial import is_loopback, proxying
from runner_agent.link.identity import Identity, IdentityError

ANSWER_WITHIN_S = 20.0
ANSWER_MAX = 256 * 1024  # bytes of /.well-known/mesh
_TOKEN = re.compile(r"[A-Za-z0-9_-]{20,}\.[0-9a-fA-F]{32}")


class EnrollError(ToldError):
    """This machine did not become a Runner."""


class AwayError(EnrollError):
    """The server cannot be reached: trying again later may help."""


@dataclass(frozen=True, slots=True)
class ServerFacts:
    """What the server says of itself. `enroll` is host:port; `clock` the server's, in seconds since 1970."""

    ca_pem: bytes
    enroll: str
    clock: float | None = None


def enroll(config: Config, *, server: str, token: str, name: str = "") -> Enrolled:
    """Make a key, have it certified, keep both. Raises EnrollError; nothing of an older enrollment changes then."""
    token = token.strip()
    if not _TOKEN.fullmatch(token):
        raise EnrollError(
            "This is no enrollment token, or not all of one. Copy the whole line from the Runners page."
        )
    server = server.rstrip("/")
    facts = ask_server(server)
    ca_pem = _trusted(facts, token, server)
    key_pem = identities.new_key()
    request = pb.EnrollRequest(
        token=token,
        csr_pem=identities.signing_request(key_pem),
        name=name or machine.hostname(),
    )
    with _office(facts.enroll, ca_pem) as stub:
        reply: pb.EnrollReply = stub.Enroll(request, timeout=ANSWER_WITHIN_S)
    try:
        identity = identities.make(key_pem, reply.certificate_pem, reply.ca_pem, datetime.now(UTC))
    except IdentityError as error:
        raise EnrollError(f"{server} answered with a certificate of no use: {error}") from error
    return _keep(config, identity, server, reply)


def ask_server(server: str) -> ServerFacts:
    """What `{server}/.well-known/mesh` says. Raises EnrollError."""
    parts = urllib.parse.urlsplit(server)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise EnrollError(f"--server is a URL such as https://mesh.example.org, not {server!r}.")
    held, clock = _fetch(f"{server}/.well-known/mesh", parts.netloc)
    try:
        return ServerFacts(held["ca_pem"].encode(), str(held["enroll"]), clock)
    except (KeyError, TypeError, AttributeError) as error:
        raise EnrollError(
            f"{server} is no Mesh server: what it says of itself lacks {error}."
        ) from error


def _fetch(url: str, address: str) -> tuple[Any, float | None]:
    handlers = [urllib.request.ProxyHandler({})] if is_loopback(address) else []
    opener = urllib.request.build_opener(*handlers)
    try:
        with opener.open(url, timeout=ANSWER_WITHIN_S) as answer:
            return json.loads(answer.read(ANSWER_MAX)), _clock(answer.headers.get("Date"))
    except urllib.error.HTTPError as error:
        error.close()
        kind = AwayError if error.code >= http.HTTPStatus.INTERNAL_SERVER_ERROR else EnrollError
        raise kind(f"{url} answered {error.code}: is --server a Mesh server?") from error
    except (OSError, http.client.HTTPException) as error:
        cause = getattr(error, "reason", None) or error
        raise AwayError(
            f"{url} cannot be reached ({cause}). Check --server and the network."
        ) from error
    except ValueError as error:
        raise EnrollError(f"{url} did not answer with JSON: is --server a Mesh server?") from error


def _clock(date: str | None) -> float | None:
    return email.utils.parsedate_to_datetime(date).timestamp() if date else None


def _trusted(facts: ServerFacts, token: str, server: str) -> bytes:
    """The CA that the token names: only that one, should the server name more."""
    wanted = token.rpartition(".")[2]
    try:
        ca_pem = identities.trusted(facts.ca_pem, wanted)
    except ValueError as error:
        raise EnrollError(f"{server} sent a CA certificate that cannot be read.") from error
    if ca_pem is None:
        raise EnrollError(
            f"{server} is not the server that made this token: its CA certificate has another hash."
            " Somebody may be in between, or --server or the token belongs to another Mesh. Nothing was sent."
        )
    return ca_pem


def renew_expired(server: str, identity: Identity) -> pb.EnrollReply:
    """The next certificate for a key whose last one has expired. Raises EnrollError; AwayError: ask again later."""
    request = pb.RenewExpiredRequest(
        csr_pem=identities.signing_request(identity.key_pem),
        certificate_pem=identity.certificate_pem,
    )
    with _office(ask_server(server).enroll, identity.ca_pem) as stub:
        reply: pb.EnrollReply = stub.RenewExpired(request, timeout=ANSWER_WITHIN_S)
    return reply


@contextmanager
def _office(address: str, ca_pem: bytes) -> Iterator[Any]:
    """EnrollmentStub. What goes wrong inside is an EnrollError."""
    credentials = grpc.ssl_channel_credentials(ca_pem)
    with grpc.secure_channel(address, credentials, options=proxying(address)) as channel:
        try:
            yield enrollment_pb2_grpc.EnrollmentStub(channel)
        except grpc.RpcError as error:
            raise _told(error, address) from error


def _told(error: Any, address: str) -> EnrollError:
    """`error` is the RpcError of a unary call, which is a grpc.Call too."""
    match error.code():
        case grpc.StatusCode.UNAVAILABLE | grpc.StatusCode.DEADLINE_EXCEEDED:
            return AwayError(
                f"The enrollment port {address} cannot be reached, or is not the server's own"
                f" ({error.details()}). Is it open in the firewall?"
            )
        case grpc.StatusCode.RESOURCE_EXHAUSTED:
            return AwayError(f"{error.details()} Try again in a minute.")
        case _:
            return EnrollError(str(error.details() or error.code().name))


def _keep(config: Config, identity: Identity, server: str, reply: pb.EnrollReply) -> Enrolled:
    enrolled = Enrolled(server, reply.runner_id, reply.name, tuple(reply.gateways))
    config.prepare()
    config.certificate_file.unlink(missing_ok=True)  # it does not go with the next key
    identities.save(config, identity)
    config.release_key_file.unlink(missing_ok=True)
    identities.pin_release_key(config, reply.release_key)
    save_enrolled(config, enrolled)
    return enrolled
