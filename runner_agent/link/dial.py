"""Connections to a Gateway."""

import grpc
from grpc import aio

from runner_agent.link.identity import Identity

# Silence of a peer is seen after keepalive_time + ping_timeout, 15 s; `keepalive_timeout_ms` alone leaves it at 62 s.
_OPTIONS = [
    ("grpc.keepalive_time_ms", 10_000),
    ("grpc.http2.ping_timeout_ms", 5_000),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.max_pings_without_data", 0),
    ("grpc.http2.bdp_probe", 0),  # 88-128 KiB in flight, not 4-6 MB of stale output
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 5_000),  # in truth the time that one handshake may take
    ("grpc.max_reconnect_backoff_ms", 1_000),
    ("grpc.use_local_subchannel_pool", 1),  # a new certificate gets a new connection
    ("grpc.enable_retries", 0),  # whether to try again is decided in one place: link.is_passing
]


def dial(gateway: str, identity: Identity) -> aio.Channel:
    """`gateway` is host:port. Nothing is sent yet. Close the channel."""
    credentials = grpc.ssl_channel_credentials(
        identity.ca_pem, identity.key_pem, identity.certificate_pem
    )
    return aio.secure_channel(gateway, credentials, [*_OPTIONS, *proxying(gateway)])


def proxying(address: str) -> list[tuple[str, int]]:
    """A proxy of the environment is not asked for this machine itself."""
    return [("grpc.enable_http_proxy", 0)] if is_loopback(address) else []


def is_loopback(address: str) -> bool:
    """`address` is host:port or host."""
    return address.startswith(("127.", "[::1]")) or address.partition(":")[0] == "localhost"
