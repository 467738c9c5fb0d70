"""A machine becomes a Runner: by a token that names the CA, with a key that stays."""

import dataclasses

import pytest
from cryptography import x509

from runner_agent import config as configs
from runner_agent import lock
from runner_agent.link import identity as identities
from runner_agent.link import joining
from runner_agent.link.enroll import EnrollError, enroll
from runner_agent.link.identity import IdentityError
from runner_agent.lock import AlreadyRunningError
from tests.runner_agent.link.authority import Authority


def test_a_machine_gets_a_certificate_and_keeps_its_key_to_itself(office, config, authority):
    enroll(config, server=office.url, token=authority.token, name="alpha")
    loaded = configs.load(config.home, {})
    assert (loaded.runner_name, loaded.server, loaded.gateways) == (
        "alpha",
        office.url,
        ("127.0.0.1:1",),
    )
    identities.load(loaded)
    assert config.key_file.stat().st_mode & 0o777 == 0o600
    assert b"PRIVATE" not in office.asked[0].csr_pem
    assert not x509.load_pem_x509_csr(office.asked[0].csr_pem).extensions


def test_a_server_with_another_ca_is_told_nothing(office, config):
    with pytest.raises(EnrollError, match="another hash"):
        enroll(config, server=office.url, token=Authority().token)
    assert office.asked == []
    assert not config.certificate_file.exists()


def test_a_server_that_shows_the_right_ca_but_has_not_its_key_is_told_nothing(office, config):
    right = Authority()
    office.shown = right.ca_pem  # copied from the right server's page
    with pytest.raises(EnrollError, match="cannot be reached, or is not the server's own"):
        enroll(config, server=office.url, token=right.token)
    assert office.asked == []


def test_a_ca_that_is_slipped_in_beside_the_right_one_is_not_trusted(office, config):
    right = Authority()
    office.shown = right.ca_pem + office.authority.ca_pem
    with pytest.raises(EnrollError):
        enroll(config, server=office.url, token=right.token)
    assert office.asked == []


def test_the_servers_refusal_is_told_in_its_words(office, config, authority):
    office.refusal = "This enrollment token is unknown, used or expired. Make a new one."
    with pytest.raises(EnrollError, match="used or expired"):
        enroll(config, server=office.url, token=authority.token)


@pytest.mark.parametrize("token", ["", "short", "a" * 43, "mesh_" + "a" * 43 + ".xyz"])
def test_half_a_token_is_seen_before_anybody_is_asked(office, config, token):
    with pytest.raises(EnrollError, match="not all of one"):
        enroll(config, server=office.url, token=token)


@pytest.mark.parametrize("server", ["mesh.example.org", "ftp://mesh", "http://"])
def test_a_server_that_is_no_url_is_refused(config, authority, server):
    with pytest.raises(EnrollError, match="is a URL"):
        enroll(config, server=server, token=authority.token)


def test_a_page_that_is_not_there_is_no_mesh_server(office, config, authority):
    with pytest.raises(EnrollError, match="404"):
        enroll(config, server=f"{office.url}/elsewhere", token=authority.token)


def test_a_runner_is_enrolled_again_only_by_force(office, config, authority):
    wanted = joining.Wanted(office.url, authority.token, labels=("zone=a",), capacity=2)
    joined = joining.join(config, wanted, say=lambda _text: None)
    assert joined.data()["runner_id"] == 7
    loaded = configs.load(config.home, {})
    assert (loaded.labels, loaded.capacity) == ({"zone": "a"}, 2)
    with pytest.raises(EnrollError, match="--force"):
        joining.join(loaded, wanted, say=lambda _text: None)
    before = config.key_file.read_bytes()
    again = dataclasses.replace(wanted, force=True, labels=(), capacity=None)
    joining.join(loaded, again, say=lambda _text: None)
    assert config.key_file.read_bytes() != before
    assert configs.load(config.home, {}).labels == {"zone": "a"}


def test_a_runner_whose_daemon_runs_is_not_enrolled_again(office, config, authority):
    with lock.alone(config):
        assert lock.holder(config) is not None
        with pytest.raises(AlreadyRunningError, match="process"):
            joining.join(config, joining.Wanted(office.url, authority.token), say=print)
    assert lock.holder(config) is None


def test_a_key_that_others_can_read_is_not_used(office, config, authority):
    enroll(config, server=office.url, token=authority.token)
    config.key_file.chmod(0o644)
    with pytest.raises(IdentityError, match="chmod 600"):
        identities.load(configs.load(config.home, {}))
