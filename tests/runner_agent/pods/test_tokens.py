"""A Pod's own token: in its jail, known by its hash, found again after a restart, and dead with the Pod."""

import stat

from runner_agent.pods.pod_tokens import PodTokens, digest
from tests.runner_agent.pods.rig import daemon, new_key, supervised, until


def token_of(rig, pod):
    return (rig.config.homes / pod / ".mesh" / "token").read_text()


async def test_each_pod_gets_a_token_that_only_it_can_read(config):
    async with supervised(config) as rig:
        rig.supervisor._tokens.url = "http://127.0.0.1:1/mcp"
        pod = new_key()
        started = await rig.do(
            "start", pod, argv=["sh", "-c", 'echo "<$(cat $MESH_TOKEN_FILE)> $MESH_MCP_URL"; cat']
        )
        token = token_of(rig, pod)
        shown = await rig.shows(rig.hosts.get(pod), "/mcp")
        assert f"<{token}> http://127.0.0.1:1/mcp" in shown
        assert len(token) >= 43 + len("mesh_pod_")
        assert started["token_digest"] == digest(token)
        file = config.homes / pod / ".mesh" / "token"
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert rig.supervisor._tokens.pod_of(token) == pod
        other = await rig.start(["cat"])
        assert token_of(rig, other.pod) != token


async def test_the_record_on_disk_does_not_hold_the_token(config):
    async with supervised(config) as rig:
        host = await rig.start(["cat"])
        record = (config.pods / host.pod / "start.json").read_text()
        assert token_of(rig, host.pod) not in record


async def test_a_token_dies_with_its_pod(config):
    async with supervised(config) as rig:
        host = await rig.start(["cat"])
        token = token_of(rig, host.pod)
        await rig.do("terminate", host.pod, grace_s=0)
        await until(lambda: any(report.state == "ended" for report in rig.outbox.reports))
        assert rig.supervisor._tokens.pod_of(token) is None


async def test_after_a_restart_of_the_daemon_the_token_is_good(config):
    async with daemon(config) as rig:
        host = await rig.start(["cat"])
        pod, token = host.pod, token_of(rig, host.pod)
    async with supervised(config) as rig:
        assert rig.supervisor._tokens.pod_of(token) == pod


def test_an_unknown_token_is_nobodys():
    tokens = PodTokens()
    tokens.add("pod-a", digest("right"))
    assert tokens.pod_of("right") == "pod-a"
    assert tokens.pod_of("wrong") is None
    tokens.remove("pod-a")
    assert tokens.pod_of("right") is None
