"""Small terminal programs that the measurements run in a Pod, in terminado and on a bare PTY alike."""

RAW = "import os,sys,tty;tty.setraw(0);"

ECHO = ("python3", "-c", RAW + "os.write(1,b'R')\nwhile d:=os.read(0,65536): os.write(1,d)")
"""Says R, then echoes each byte as it comes."""

IDLE = ("python3", "-c", "import time;print('R',flush=True)\nwhile 1: time.sleep(3600)")


def flood(size: int) -> tuple[str, ...]:
    """Says R, waits for one byte, writes `size` bytes of log lines to the raw PTY, waits for input."""
    return (
        "python3",
        "-c",
        RAW + "b=b''.join(b'%08d  compiling module %d of the project, 0 warnings\\r\\n'%(i,i%977) "
        f"for i in range(1200))[:65536];n={size};os.write(1,b'R');os.read(0,1)\n"
        "while n>0: n-=os.write(1,b[:min(n,65536)])\n"
        "os.read(0,1)",
    )


CLOCK = (
    "python3",
    "-c",
    RAW + "import time\nwhile 1: os.write(1,b'%d\\r\\n'%time.monotonic_ns()); time.sleep(.02)",
)
"""Says the machine's monotonic clock in nanoseconds, fifty times a second."""

FIRST_BYTE = ("sh", "-c", "printf R; read -r line")
"""The least a Pod can do: one byte, then wait."""
