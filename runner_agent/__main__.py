"""`python -m runner_agent`, and `mesh-runner`."""

import sys


def main() -> None:
    """What lives as long as the machine, the launcher, loads no more than it needs: 9 MB, not 30."""
    match sys.argv[1:]:
        case ["run"] | ["run", "--home", _] as words:
            from runner_agent.update import launcher

            sys.exit(launcher.main(words[2:]))
        case _:
            from runner_agent import cli

            cli.main()


if __name__ == "__main__":
    main()
