#!/usr/bin/env python3
"""Runs mailboxd without postroom: binds its sockets in a directory, hands them
over as postroom does, sends the configuration, and waits.

    alone.py MAILBOXD DIRECTORY [CONFIGURATION-LINE]...

Prints "ready" when mailboxd serves. Ends, and mailboxd with it, at SIGTERM,
SIGINT or the end of standard input where that is a pipe.
"""
import os
import select
import signal
import socket
import struct
import subprocess
import sys

SOCKETS = ("lmtp", "auth", "store", "control")
HELLO, CONFIG, BEGIN, READY = 1, 144, 146, 147


def text(value):
    data = value.encode()
    return struct.pack("<I", len(data)) + data


def frame(kind, payload):
    return struct.pack("<IHHI", len(payload), kind, 0, 0) + payload


def receive(control):
    head = control.recv(12, socket.MSG_WAITALL)
    if len(head) < 12:
        sys.exit("mailboxd closed its control socket")
    length, kind, _, _ = struct.unpack("<IHHI", head)
    return kind, control.recv(length, socket.MSG_WAITALL) if length else b""


def listen(directory):
    made = []
    for name in SOCKETS:
        path = os.path.join(directory, name + ".sock")
        if os.path.exists(path):
            os.unlink(path)
        s = socket.socket(socket.AF_UNIX)
        s.bind(path)
        s.listen(128)
        made.append(s)
    return made


def start(program, directory, sockets, theirs):
    store = os.path.join(directory, "store")
    os.makedirs(store, mode=0o700, exist_ok=True)
    pairs = [(theirs.fileno(), 3 + len(sockets))]
    pairs += [(s.fileno(), 3 + i) for i, s in enumerate(sockets)]
    env = dict(os.environ, LISTEN_FDS=str(len(sockets)),
               LISTEN_FDNAMES=":".join(SOCKETS), POSTROOM_DIRECTORY=store,
               POSTROOM_CONTROL_FD=str(3 + len(sockets)))

    def place():
        high = [(fcntl_dup(a), b) for a, b in pairs]
        for a, b in high:
            os.dup2(a, b)
            os.set_inheritable(b, True)
        os.environ["LISTEN_PID"] = str(os.getpid())

    def fcntl_dup(fd):
        import fcntl
        return fcntl.fcntl(fd, fcntl.F_DUPFD, 100)

    pid = os.fork()
    if pid == 0:
        place()
        env["LISTEN_PID"] = str(os.getpid())
        os.execve(program, [program], env)
    return pid


def main():
    program, directory = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2])
    os.makedirs(directory, exist_ok=True)
    sockets = listen(directory)
    ours, theirs = socket.socketpair()
    pid = start(program, directory, sockets, theirs)
    theirs.close()
    config = "\n".join(sys.argv[3:]) + "\n"
    ours.sendall(frame(HELLO, text("postroom") + struct.pack("<II", 1, 0) + text("")))
    ours.sendall(frame(CONFIG, text(config)))
    ours.sendall(frame(BEGIN, struct.pack("<I", 1)))
    signal.signal(signal.SIGTERM, lambda *_: os.kill(pid, signal.SIGTERM))
    signal.signal(signal.SIGINT, lambda *_: os.kill(pid, signal.SIGTERM))
    while True:
        kind, payload = receive(ours)
        if kind == READY:
            code = struct.unpack("<II", payload[:8])[1]
            if code:
                sys.exit("mailboxd: " + payload[12:].decode(errors="replace"))
            print("ready", pid, flush=True)
            break
    for s in sockets:
        s.close()
    _, status = os.waitpid(pid, 0)
    sys.exit(os.waitstatus_to_exitcode(status))


main()
