"""Starts `exora` commands of the docs by forking: each is a process of its own, but nothing is imported anew.

The shim below stands in for the console script: it sends its arguments, variables, directory and streams here, passes
signals on, and ends as the command ends. If the shim is killed, so is the command.
"""

from __future__ import annotations

import importlib
import json
import os
import select
import signal
import socket
import sys
import traceback
from pathlib import Path

MOST_BYTES = 1 << 18

SHIM = """#!{python} -IS
import json, os, signal, socket, sys
link = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
link.connect({address!r})
said = json.dumps([sys.argv[1:], dict(os.environ), os.getcwd()]).encode()
socket.send_fds(link, [said], [0, 1, 2])
pid = int(link.recv(64))
for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
    signal.signal(number, lambda got, frame: os.kill(pid, got))
sys.exit(int(link.recv(64)))
"""


def write_shim(folder: Path, address: str) -> None:
    """Put an `exora` into a folder."""
    path = folder / "exora"
    path.write_text(SHIM.format(python=sys.executable, address=address), encoding="utf-8")
    path.chmod(0o755)


def main(address: str) -> None:
    """Serve until standard input ends."""
    for module in ("exora.app", "exora.cli.jobs", "exora.cli.submit", "exora.cli.worker"):  # and with them all the rest
        importlib.import_module(module)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    listener.bind(address)
    listener.listen(64)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    print("ready", flush=True)
    waiting: list[socket.socket | int] = [listener, 0]
    while True:
        readable, _, _ = select.select(waiting, [], [])
        if 0 in readable:
            return
        link, _ = listener.accept()
        if os.fork() == 0:
            listener.close()
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            _keep(link)
        link.close()


def _keep(link: socket.socket) -> None:
    """Run one command and tell the shim how it ended."""
    said, descriptors, _, _ = socket.recv_fds(link, MOST_BYTES, 3)
    pid = os.fork()
    if pid == 0:
        link.close()
        arguments, environment, folder = json.loads(said)
        _run(arguments, environment, folder, descriptors)
    for descriptor in descriptors:
        os.close(descriptor)
    link.send(str(pid).encode())
    watched = os.pidfd_open(pid)
    either: list[socket.socket | int] = [link, watched]
    readable, _, _ = select.select(either, [], [])
    if link in readable:
        os.kill(pid, signal.SIGKILL)
    _, status = os.waitpid(pid, 0)
    code = os.waitstatus_to_exitcode(status)
    if link not in readable:
        link.send(str(code if code >= 0 else 128 - code).encode())
    os._exit(0)


def _run(arguments: list[str], environment: dict[str, str], folder: str, descriptors: list[int]) -> None:
    from exora.cli.main import main as command

    os.setsid()
    for number, descriptor in enumerate(descriptors):
        os.dup2(descriptor, number)
        os.close(descriptor)
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    sys.argv = ["exora", *arguments]
    code: object = 0
    try:
        command()
    except SystemExit as ended:
        code = ended.code
    except BaseException:
        traceback.print_exc()
        code = 1
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    os._exit(code if isinstance(code, int) else 0 if code is None else 1)


if __name__ == "__main__":
    main(sys.argv[1])
