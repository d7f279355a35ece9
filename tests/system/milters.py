"""A milter of our own for the tests, and Debian's opendkim and rspamd on loopback."""
import os
import shutil
import socket
import struct
import subprocess
import threading

from suite import PATIENCE, wait_for

LETTERS = {"C": "connect", "H": "helo", "M": "mail", "R": "rcpt", "T": "data", "L": "field",
           "N": "end_of_header", "B": "body", "E": "end", "U": "unknown"}
CONTINUE = b"c"


def packet(letter, data=b""):
    return struct.pack(">I", 1 + len(data)) + letter + data


def add(name, value):
    return packet(b"h", name.encode() + b"\0" + value.encode() + b"\0")


def insert(index, name, value):
    return packet(b"i", struct.pack(">I", index) + name.encode() + b"\0" + value.encode() + b"\0")


def change(index, name, value):
    return packet(b"m", struct.pack(">I", index) + name.encode() + b"\0" + value.encode() + b"\0")


class Milter:
    """At a Unix socket, or at a port of loopback. Answers each event by answers[event](data): packets, or a letter. heard: what came."""

    def __init__(self, path, protocol=0, queue=50, gate=None, **answers):
        self.answers = answers
        self.protocol = protocol
        self.heard = []
        self.listener = socket.socket(socket.AF_UNIX if path else socket.AF_INET)
        self.listener.bind(path or ("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1] if not path else None
        self.gate = gate
        self.listener.listen(queue)
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        if self.gate:
            self.gate.wait()
        while True:
            try:
                link, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(link,), daemon=True).start()

    def _serve(self, link):
        file = link.makefile("rb")
        with link:
            while True:
                head = file.read(5)
                if len(head) < 5 or head[4:] == b"Q":
                    return
                data = file.read(struct.unpack(">I", head[:4])[0] - 1)
                letter = head[4:].decode()
                if letter == "O":
                    link.sendall(packet(b"O", struct.pack(">III", 6, 0x1ff, self.protocol)))
                elif letter in "AD":
                    self.heard.append((letter, data))
                else:
                    event = LETTERS[letter]
                    self.heard.append((event, data))
                    answer = self.answers.get(event, lambda data: CONTINUE)(data)
                    if answer is None:
                        return
                    link.sendall(packet(answer) if len(answer) == 1 else answer)

    def events(self, name):
        return [data for event, data in self.heard if event == name]

    def close(self):
        self.listener.shutdown(socket.SHUT_RDWR)    # accept() is not to go on
        self.listener.close()


def is_missing(*programs):
    return [p for p in programs if not shutil.which(p, path=os.environ["PATH"] + ":/usr/sbin")]


class Program:
    """A filter of Debian's, started in the foreground; its socket is there when it is made."""

    def __init__(self, argv, path, log):
        self.log = open(log, "wb")
        self.process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log,
                                        env=dict(os.environ, PATH=os.environ["PATH"] + ":/usr/sbin"))
        try:
            wait_for(path, lambda: self._is_there(path), timeout=PATIENCE)
        except AssertionError:
            self.stop()
            raise AssertionError(open(log).read())

    def _is_there(self, path):
        if self.process.poll() is not None:
            raise AssertionError("it ended at once")
        with socket.socket(socket.AF_UNIX) as probe:
            try:
                probe.connect(path)
            except OSError:
                return False
        return True

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.log.close()
