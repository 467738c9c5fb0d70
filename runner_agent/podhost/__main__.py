"""`python -I -S …/podhost SOCKETS LIBRARY [IDLE]`: the template. LIBRARY is where ptyprocess is installed."""

import os
import sys


def main() -> None:
    sockets, library, *idle = sys.argv[1:]
    here = os.path.dirname(os.path.abspath(__file__))
    sys.path += [os.path.dirname(os.path.dirname(here)), library]
    from runner_agent.podhost.template import serve

    serve(sockets, int(idle[0]) if idle else None)


if __name__ == "__main__":
    main()
