"""Says in one sentence, before anything else happens, that a port cannot be had: `check_port.py PORT`."""

from __future__ import annotations

import errno
import socket
import sys


def main(argument: str) -> int:
    """Exit code 0 when 127.0.0.1 can listen on the port now."""
    if not argument.isdigit() or not 0 < int(argument) < 65536:
        print(f"PORT must be a number from 1 to 65535, not {argument!r}.", file=sys.stderr)
        return 2
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", int(argument)))
        except OSError as problem:
            if problem.errno == errno.EADDRINUSE:
                free = f"Stop what runs there, or choose another: make run PORT={int(argument) % 65535 + 1}"
                print(f"Port {argument} is in use. {free}", file=sys.stderr)
            else:
                print(f"Port {argument} cannot be opened: {problem.strerror}.", file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
