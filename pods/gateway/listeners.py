"""The Gateway's listening ports: who may call each, how connections are kept alive, which certificate is shown."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import grpc
from cryptography import x509
from django.utils.timezone import now
from grpc import aio

from pods.gateway.calls import Context, abort
from pods.gateway.identity import is_server
from pods.services.authority import Authority
from pods.services.certificates import renewal_due

UNIX = "unix:"
SERVERS_ONLY = "This port is for Mesh's own servers."
OPTIONS = (
    ("grpc.keepalive_time_ms", 10_000),
    (
        "grpc.http2.ping_timeout_ms",
        5_000,
    ),  # keepalive_timeout alone leaves a frozen peer unseen for 62 s
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.max_pings_without_data", 0),
    (
        "grpc.http2.min_ping_interval_without_data_ms",
        5_000,
    ),  # else idle Sessions get GOAWAY after 40 s
    ("grpc.http2.bdp_probe", 0),  # else megabytes are buffered for a slow reader
    ("grpc.so_reuseport", 0),  # two gateways on one port are a mistake
)


class ServerCertificate:
    """Shown at each handshake; renewed when its time comes, without a restart."""

    def __init__(self, authority: Authority, name: str, hosts: Sequence[str]) -> None:
        self._authority, self._name, self._hosts = authority, name, hosts
        self._configuration = self._load()

    def credentials(self, *, for_certified: bool) -> grpc.ServerCredentials:
        """`for_certified`: only callers with a certificate of this CA get through the handshake."""
        return grpc.dynamic_ssl_server_credentials(self._configuration, self._fetch, for_certified)

    def _fetch(self) -> grpc.ServerCertificateConfiguration:
        """Called by gRPC at each handshake, from a thread of its own."""
        if now() >= self._renewal_due or self._authority.trusted_pem != self._trusted:
            self._configuration = self._load()
        return self._configuration

    def _load(self) -> grpc.ServerCertificateConfiguration:
        self._trusted = self._authority.trusted_pem
        own = self._authority.server_credentials(self._name, self._hosts)
        self._renewal_due = renewal_due(x509.load_pem_x509_certificate(own.certificate_pem))
        return grpc.ssl_server_certificate_configuration(
            [(own.key_pem, own.certificate_pem)], root_certificates=self._trusted
        )


class ServersOnly(aio.ServerInterceptor):  # type: ignore[type-arg] # generic in the stubs only
    """Refuses callers whose certificate is not a server's."""

    async def intercept_service(self, continuation: Any, details: Any) -> Any:
        handler = await continuation(details)
        if handler is None:
            return None
        kind = "stream" if handler.request_streaming else "unary"
        kind += "_stream" if handler.response_streaming else "_unary"
        behaviour = getattr(handler, kind)

        async def checked(request: Any, context: Context) -> Any:
            if not is_server(context):
                await abort(context, grpc.StatusCode.PERMISSION_DENIED, SERVERS_ONLY)
            return await behaviour(request, context)

        return handler._replace(**{kind: checked})


def server(*, interceptors: Sequence["aio.ServerInterceptor[Any, Any]"] = ()) -> aio.Server:
    return aio.server(options=OPTIONS, interceptors=interceptors)


def private_server(address: str) -> aio.Server:
    """Another user cannot reach a socket in our directory; over TCP the certificate decides."""
    return server(interceptors=() if address.startswith(UNIX) else [ServersOnly()])


def bind_private(private: aio.Server, address: str, certificate: ServerCertificate) -> int:
    if not address.startswith(UNIX):
        return private.add_secure_port(address, certificate.credentials(for_certified=True))
    path = Path(address.removeprefix(UNIX))
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.parent.chmod(0o700)
    path.unlink(missing_ok=True)  # left by a process that was killed
    return private.add_insecure_port(address)
