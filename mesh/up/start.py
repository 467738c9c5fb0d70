"""The way up, from an empty directory or from what an earlier run left."""

import json
import os
from datetime import datetime

from django.conf import settings
from django.core.checks import run_checks
from django.utils.timezone import now

from mesh.up import environment, local_runner, ports, ready, sample, schema, seed
from mesh.up.steps import say, step
from mesh.up.supervisor import Supervisor, configuration, services
from mesh.up.trouble import TroubleError
from pods.models import Runner
from pods.services.pods import PodRequest, create_pod

FIRST_PROMPT = "Say hello to whoever reads this, and write it into HELLO.md"
READY_WITHIN = 60.0  # seconds, per service; a cold disk is slow


def start(supervisor: Supervisor) -> str:
    """The link to sign in with. TroubleError if something does not start."""
    home, began = settings.HOME, now()
    _check_settings()
    supervisor.end()  # what an `up` that was killed has left
    chosen = ports.choose(settings.PORT, settings.LISTEN, home.root / "ports.json")
    given = environment.of_services(home, chosen)
    wanted = services(settings.BASE_DIR / "Procfile")
    if not settings.REDIS_IS_OURS:
        del wanted["redis"]
    supervisor.start(configuration(home, settings.BASE_DIR, wanted), given)
    if settings.REDIS_IS_OURS:
        supervisor.start_service("redis")
    schema.prepare()
    owner = seed.owner()
    _start_server(supervisor, owner, began)
    runner = _start_runner(supervisor, owner, given, began)
    for name in ("worker", "beat"):
        supervisor.start_service(name)
    _greet(owner, runner)
    return _hand_over(owner)


def _check_settings() -> None:
    """The first error as a sentence; warnings are said and no more."""
    for each in run_checks():
        if each.is_serious():
            raise TroubleError(f"{each.msg} {each.hint or ''} ({each.id})")
        say(f"  {each.msg} {each.hint or ''} ({each.id})")


def _start_server(supervisor: Supervisor, owner: seed.Owner, began: datetime) -> None:
    with step("web, gateway"):
        for name in ("web", "gateway"):
            supervisor.start_service(name)
        path = settings.HOME.repositories.resolve() / seed.SAMPLE
        sample.make(path)
        seed.sample_repository(owner, path)
        ready.wait_for("redis", ready.redis_answers, supervisor, READY_WITHIN)
        ready.wait_for("web", ready.web_answers, supervisor, READY_WITHIN)
        ready.wait_for("gateway", ready.gateway_since(began), supervisor, READY_WITHIN)


def _start_runner(
    supervisor: Supervisor, owner: seed.Owner, given: dict[str, str], began: datetime
) -> Runner:
    home = settings.HOME.runner
    runner = local_runner.enrolled(home)
    if runner is None:
        with step("enrollment of this machine"):
            runner = local_runner.enroll(owner, home, given)
    for name in ("pods", "runner"):
        supervisor.start_service(name)
    if runner.disabled_at:
        say(f"  The Runner of this machine, {runner}, is disabled: enable it on the Runners page.")
        return runner
    with step(f"Runner {runner}"):
        attached = ready.runner_since(runner.pk, began)
        ready.wait_for("runner", attached, supervisor, READY_WITHIN)
    return runner


def _greet(owner: seed.Owner, runner: Runner) -> None:
    """The first Pod, once: whoever ended it does not want it again."""
    done = settings.HOME.root / "greeted"
    if done.exists():
        return
    request = PodRequest(
        agent_type="demo",
        repository=seed.SAMPLE,
        name="Hello",
        prompt=FIRST_PROMPT,
        runner=str(runner.pk),
    )
    with step("first Pod"):
        create_pod(by=owner.actor, request=request)
    done.touch()


def _hand_over(owner: seed.Owner) -> str:
    """Write `run.json`, whole and for this user alone."""
    link = settings.PUBLIC_URL + seed.login_path(owner)
    held = {"url": settings.PUBLIC_URL, "login_url": link, "token": seed.new_token(owner)}
    file = settings.HOME.run_file
    draft = file.with_suffix(".draft")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as text:
        json.dump(held, text)
    draft.replace(file)
    return link
