"""systemd units for a Runner that starts with the machine."""

import getpass
import shlex
import sys

from runner_agent.config import Config

_UNITS = """\
# ---- mesh-runner-pods.service: owns the Pods; they go on while the Runner is restarted or updated
[Unit]
Description=Pod hosts of the Mesh Runner

[Service]
ExecStart={program} pods --home {home}
KillMode=process
Restart=always
RestartSec=1
{user}
[Install]
WantedBy={target}

# ---- mesh-runner.service: the link to the server
[Unit]
Description=Mesh Runner
Wants=mesh-runner-pods.service network-online.target
After=mesh-runner-pods.service network-online.target

[Service]
ExecStart={program} run --home {home}
KillMode=process
Restart=always
RestartSec=1
RestartPreventExitStatus=78
TimeoutStopSec=12
{user}
[Install]
WantedBy={target}
"""

_HINT = """\
Write each part to its file in {directory}, then:
  systemctl {flag}daemon-reload
  systemctl {flag}enable --now mesh-runner-pods mesh-runner{linger}"""


def units(config: Config, *, system: bool) -> str:
    """Both units. `system`: for root's systemd, run as this user; else for the user's own."""
    return _UNITS.format(
        program=shlex.join([sys.executable, "-m", "runner_agent"]),
        home=shlex.quote(str(config.home)),
        user=f"User={getpass.getuser()}\n" if system else "",
        target="multi-user.target" if system else "default.target",
    )


def hint(*, system: bool) -> str:
    if system:
        return _HINT.format(directory="/etc/systemd/system", flag="", linger="")
    return _HINT.format(
        directory="~/.config/systemd/user", flag="--user ", linger="\n  loginctl enable-linger"
    )
