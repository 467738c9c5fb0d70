"""The launcher of a Runner as `mesh-runner run` starts it, but it waits less: HOME WARM HEALTHY, in seconds."""

import sys
from pathlib import Path

from runner_agent.update.launcher import Launcher, Limits

if __name__ == "__main__":
    home, warm, healthy = sys.argv[1:]
    sys.exit(Launcher(Path(home), Limits(warm=float(warm), healthy=float(healthy))).run())
