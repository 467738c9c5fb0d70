"""One Session after the other: when to come back, when to stay away, when to stop asking."""

import asyncio
import dataclasses
import time
from datetime import UTC, datetime, timedelta

import grpc
import pytest

from proto.mesh.v1 import runner_pb2 as pb
from runner_agent.link import identity as identities
from runner_agent.link import status
from runner_agent.link.link import RefusedError, is_passing
from runner_agent.link.periods import Periods
from runner_agent.messages import CommandResult, Output
from tests.runner_agent.link.authority import Authority
from tests.runner_agent.link.conftest import QUICK
from tests.runner_agent.link.gateway import ScriptedGateway, Way

SOON_S = 5.0


async def refusal(link) -> RefusedError:
    with pytest.raises(RefusedError) as raised:
        async with asyncio.timeout(SOON_S):
            await link.run()
    return raised.value


# ---- coming back


async def test_a_session_that_ends_without_a_word_is_followed_by_another(
    linking, identity, gateway
):
    async with linking.run(identity(), gateway.address):
        for epoch in (1, 2, 3):
            session = await gateway.session()
            await session.welcome(epoch)
            session.end(grpc.StatusCode.UNAVAILABLE, "broken")


async def test_a_gateway_that_was_away_is_dialled_until_it_is_back(linking, identity, authority):
    async with ScriptedGateway(authority).listening() as first:
        address = first.address
    port = int(address.rpartition(":")[2])
    async with (
        linking.run(identity(), address),
        ScriptedGateway(authority).listening(port) as back,
    ):
        await (await back.session()).welcome()


async def test_a_gateway_that_drains_is_left_for_the_next_one(linking, identity, authority):
    async with (
        ScriptedGateway(authority).listening() as first,
        ScriptedGateway(authority).listening() as second,
        linking.run(identity(), first.address, second.address),
    ):
        session = await first.session()
        await session.welcome()
        await session.goodbye("draining")
        await (await second.session()).welcome()


async def test_a_peer_that_falls_silent_is_left(linking, identity, gateway):
    quick = dataclasses.replace(QUICK, silence=0.3)
    async with (
        Way(gateway.address).listening() as way,
        linking.run(identity(), way.address, gateway.address, periods=quick),
    ):
        session = await gateway.session()
        await session.welcome()
        way.open.clear()  # no byte either way, and the connection stays open
        assert (await gateway.session()) is not session


# ---- staying away


async def test_a_superseded_runner_stays_away_for_its_time(linking, identity, gateway):
    async with linking.run(identity(), gateway.address):
        session = await gateway.session()
        await session.welcome()
        await session.goodbye("superseded")
        said_at = time.monotonic()
        await gateway.session()
        assert time.monotonic() - said_at >= QUICK.superseded


def test_a_superseded_runner_stays_away_for_half_a_minute():
    assert Periods().superseded == 30


# ---- no longer asking


@pytest.mark.parametrize("reason", ["revoked", "disabled", "protocol"])
async def test_a_runner_that_is_not_wanted_says_why_and_asks_no_more(
    linking, identity, gateway, reason
):
    link = linking.make(identity(), gateway.address)
    async with asyncio.TaskGroup() as group:
        refused = group.create_task(refusal(link))
        session = await gateway.session()
        await session.welcome()
        await session.goodbye(reason, "This Runner was sent away by alice.")
    assert str(refused.result()) == "This Runner was sent away by alice."
    assert refused.result().exit_code == 78
    assert gateway.sessions.empty()


async def test_a_runner_that_is_refused_at_the_hello_asks_no_more(linking, identity, gateway):
    link = linking.make(identity(), gateway.address)
    async with asyncio.TaskGroup() as group:
        refused = group.create_task(refusal(link))
        session = await gateway.session()
        await session.heard("hello")
        await session.goodbye("disabled", "The Runner is disabled.")
    assert "The Runner is disabled." in str(refused.result())


async def test_a_status_that_will_not_pass_is_final_too(linking, identity, gateway):
    link = linking.make(identity(), gateway.address)
    async with asyncio.TaskGroup() as group:
        refused = group.create_task(refusal(link))
        session = await gateway.session()
        await session.welcome()
        session.end(grpc.StatusCode.PERMISSION_DENIED, "The certificate is revoked.")
    assert "The certificate is revoked." in str(refused.result())


async def test_a_goodbye_is_heard_though_the_stream_is_broken_right_after_it(
    linking, identity, gateway, runner
):
    link = linking.make(identity(), gateway.address)
    async with asyncio.TaskGroup() as group:
        refused = group.create_task(refusal(link))
        session = await gateway.session()
        await session.welcome()
        await session.goodbye("revoked", "Revoked by alice.")
        session.end(grpc.StatusCode.UNAVAILABLE, "gone")
        runner.outbox.result(CommandResult("c1", "done"))
    assert str(refused.result()) == "Revoked by alice."


async def test_a_gateway_that_speaks_no_common_protocol_is_not_asked_again(
    linking, identity, gateway
):
    link = linking.make(identity(), gateway.address)
    async with asyncio.TaskGroup() as group:
        refused = group.create_task(refusal(link))
        session = await gateway.session()
        await session.heard("hello")
        await session.say(pb.ToRunner(welcome=pb.Welcome(epoch=1, protocol=9)))
    assert "protocol 9" in str(refused.result())


async def test_an_expired_certificate_is_renewed_with_its_key_and_then_used(
    linking, identity, gateway, office, config
):
    expired = identity(life=timedelta(days=-3), age=timedelta(days=93))
    linking.server, office.gateways = office.url, [gateway.address]
    async with linking.run(expired, gateway.address):
        session = await gateway.session()
        await session.welcome()
    asked = office.expired[0]
    assert asked.certificate_pem == expired.certificate_pem
    assert config.key_file.read_bytes() == expired.key_pem
    assert config.certificate_file.read_bytes() != expired.certificate_pem


async def test_an_expired_certificate_that_is_not_renewed_is_not_tried_and_the_server_says_why(
    linking, identity, gateway, office
):
    office.refusal = "It expired over 7 days ago."
    linking.server = office.url
    expired = identity(life=timedelta(days=-8), age=timedelta(days=98))
    said = str(await refusal(linking.make(expired, gateway.address)))
    assert "expired on" in said
    assert office.refusal in said
    assert "--force" in said
    assert gateway.sessions.empty()


async def test_with_an_expired_certificate_a_server_that_is_away_is_asked_again(
    linking, identity, gateway, office, config
):
    expired = identity(life=timedelta(days=-3), age=timedelta(days=93))
    linking.server = office.url
    right, office.address = office.address, "127.0.0.1:1"
    async with linking.run(expired, gateway.address):
        async with asyncio.timeout(SOON_S):
            while "cannot be reached" not in _said(config):  # noqa: ASYNC110 - of a file there is no news
                await asyncio.sleep(0.01)
        assert gateway.sessions.empty()
        office.address = right
        await gateway.session()


def _said(config):
    seen = status.read(config.status_file)
    return seen.text if seen else ""


async def test_a_gateway_of_another_authority_is_not_told_anything(linking, identity, gateway):
    async with (
        ScriptedGateway(Authority()).listening() as foreign,
        linking.run(identity(), foreign.address, gateway.address),
    ):
        await gateway.session()  # the next in turn, after the foreign one was tried
        assert foreign.sessions.empty()


@pytest.mark.parametrize(
    ("code", "passes"),
    [
        (grpc.StatusCode.UNAVAILABLE, True),
        (grpc.StatusCode.ABORTED, True),
        (grpc.StatusCode.UNKNOWN, True),
        (grpc.StatusCode.PERMISSION_DENIED, False),
        (grpc.StatusCode.UNAUTHENTICATED, False),
        (grpc.StatusCode.UNIMPLEMENTED, False),
        (grpc.StatusCode.INVALID_ARGUMENT, False),
    ],
)
def test_what_deserves_another_try(code, passes):
    assert is_passing(code) is passes


# ---- renewal


async def test_a_certificate_past_two_thirds_of_its_life_is_renewed_and_used(
    linking, identity, gateway, config
):
    old = identity(life=timedelta(days=29), age=timedelta(days=61))
    assert old.renew_at < datetime.now(UTC)
    async with linking.run(old, gateway.address):
        first = await gateway.session()
        await first.welcome(1)
        second = await gateway.session()
        assert gateway.renewals == 1
        assert not first.over.is_set()  # the old Session is there until the new one is
        await second.welcome(2)
        assert second.serial != first.serial
        await second.heard("heartbeat")
    assert config.certificate_file.read_bytes() != old.certificate_pem
    assert config.key_file.read_bytes() == old.key_pem


async def test_being_superseded_by_its_own_renewal_keeps_a_runner_not_away(
    linking, identity, gateway
):
    slow = dataclasses.replace(QUICK, superseded=3600)
    old = identity(life=timedelta(days=29), age=timedelta(days=61))
    async with linking.run(old, gateway.address, periods=slow):
        first = await gateway.session()
        await first.welcome(1)
        second = await gateway.session()
        await first.goodbye("superseded")
        first.end(grpc.StatusCode.ABORTED, "superseded")
        await second.welcome(2)
        await second.heard("heartbeat")


async def test_what_is_unsaid_at_a_renewal_is_said_in_the_next_session(
    linking, identity, gateway, runner
):
    old = identity(life=timedelta(days=29), age=timedelta(days=61))
    async with linking.run(old, gateway.address):
        first = await gateway.session()
        await first.welcome(1)
        second = await gateway.session()
        runner.outbox.result(CommandResult("c1", "done"))
        await second.welcome(2)
        assert (await second.heard("command_result")).id == "c1"


async def test_a_runner_that_trusts_others_than_its_server_renews_once_for_that(
    linking, identity, gateway
):
    async with linking.run(identity(), gateway.address):
        session = await gateway.session()
        await session.welcome(1)
        await session.say(pb.ToRunner(heartbeat=pb.Heartbeat(sent_at_ms=1, trusted="others")))
        session = await gateway.session()
        await session.welcome(2)
        assert gateway.renewals == 1
        for number in (2, 3):  # the test's gateway gives the same authority again
            beat = pb.Heartbeat(sent_at_ms=number, trusted="others")
            await session.say(pb.ToRunner(heartbeat=beat))
            while (await session.heard("heartbeat")).echo_ms != number:
                pass
        assert gateway.renewals == 1


async def test_a_short_certificate_is_renewed_again_and_again(linking, identity, gateway):
    gateway.renewed_life = timedelta(seconds=3)
    async with linking.run(identity(life=timedelta(seconds=1)), gateway.address):
        serials = set()
        for epoch in (1, 2, 3):
            session = await gateway.session()
            await session.welcome(epoch)
            serials.add(session.serial)
    assert len(serials) == 3


async def test_a_certificate_for_another_key_is_not_taken(
    linking, identity, gateway, config, authority
):
    old = identity(life=timedelta(days=29), age=timedelta(days=61))
    stranger = identities.signing_request(identities.new_key())
    sign, gateway.authority = authority.sign, Authority.__new__(Authority)
    gateway.authority.ca_pem = authority.ca_pem
    gateway.authority.sign = lambda _csr, life: sign(stranger, life)
    async with linking.run(old, gateway.address):
        session = await gateway.session()
        await session.welcome()
        while gateway.renewals < 2:
            await session.heard("heartbeat")
    assert config.certificate_file.read_bytes() == old.certificate_pem


# ---- Terminals


async def test_terminal_bytes_travel_beside_the_session(linking, identity, gateway, feeds):
    async with linking.run(identity(), gateway.address):
        session = await gateway.session()
        await session.welcome(epoch=5)
        terminals = await gateway.terminal_stream()
        assert (await terminals.heard("hello")).epoch == 5
        feeds.out.put_nowait(Output(1, 9, b"\xff\x00"))
        output = await terminals.heard("output")
        assert (output.feed, output.offset, output.data) == (1, 9, b"\xff\x00")


async def test_a_broken_terminals_stream_comes_back_and_the_session_does_not_notice(
    linking, identity, gateway, feeds
):
    async with linking.run(identity(), gateway.address):
        session = await gateway.session()
        await session.welcome()
        terminals = await gateway.terminal_stream()
        terminals.end(grpc.StatusCode.INTERNAL, "broken")
        await gateway.terminal_stream()
        assert feeds.closed == 1
        await session.heard("heartbeat")
        assert gateway.sessions.empty()


async def test_a_mistake_in_terminals_does_not_end_the_session(
    linking, identity, gateway, feeds, caplog
):
    async with linking.run(identity(), gateway.address):
        session = await gateway.session()
        await session.welcome()
        await gateway.terminal_stream()
        feeds.out.put_nowait(ZeroDivisionError("a mistake"))
        await gateway.terminal_stream()
        await session.heard("heartbeat")
    assert "a mistake" in caplog.text


async def test_the_status_file_says_how_the_link_stands(linking, identity, gateway, config):
    async with linking.run(identity(), gateway.address):
        session = await gateway.session()
        await session.welcome(epoch=4)
        await session.heard("heartbeat")
        seen = status.read(config.status_file)
    assert (seen.state, seen.gateway, seen.epoch) == ("attached", gateway.address, 4)
