"""A name server of our own on loopback, for tests: what it knows is a table, and it
can be silent, refuse, answer garbage, or only by TCP."""
import socket
import struct
import threading

TYPES = {"A": 1, "PTR": 12, "AAAA": 28}


def encode(name):
    return b"".join(bytes([len(label)]) + label.encode() for label in name.split(".") if label) + b"\0"


class NameServer:
    """records: {(name, type): [value, ...]}. mode: answer, silent, servfail, garbage,
    truncated (TC, so that the question comes again by TCP)."""

    def __init__(self, records, mode="answer", ttl=60):
        self.records = {(n.lower(), t): v for (n, t), v in records.items()}
        self.mode = mode
        self.ttl = ttl
        self.asked = []
        self._bind()
        self.is_over = False
        for what in (self._serve_udp, self._serve_tcp):
            threading.Thread(target=what, daemon=True).start()

    def _bind(self):
        """One port for both; another program may have it by TCP."""
        for last in range(50):
            self.udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            self.udp.bind(("127.0.0.1", 0))
            self.port = self.udp.getsockname()[1]
            try:
                self.tcp = socket.create_server(("127.0.0.1", self.port))
                return
            except OSError:
                self.udp.close()
                if last == 49:
                    raise

    @property
    def address(self):
        return f"127.0.0.1:{self.port}"

    def close(self):
        self.is_over = True
        self.udp.close()
        self.tcp.close()

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        self.close()

    def _data(self, kind, value):
        if kind == "PTR":
            return encode(value)
        return socket.inet_pton(socket.AF_INET if kind == "A" else socket.AF_INET6, value)

    def _reply(self, query, by_tcp):
        labels, at = [], 12
        while query[at]:
            labels.append(query[at + 1:at + 1 + query[at]].decode())
            at += query[at] + 1
        name = ".".join(labels).lower()
        number = struct.unpack(">H", query[at + 1:at + 3])[0]
        kind = {v: k for k, v in TYPES.items()}.get(number, "?")
        self.asked.append((name, kind))
        question = query[12:at + 5]
        if self.mode == "silent":
            return None
        if self.mode == "garbage":
            return query[:2] + b"\x81\x80\0\1\0\1\0\0\0\0" + question + b"\xc0\x0c" + b"\xff" * 7
        if self.mode == "servfail":
            return query[:2] + b"\x81\x82\0\1\0\0\0\0\0\0" + question
        if self.mode == "truncated" and not by_tcp:
            return query[:2] + b"\x83\x80\0\1\0\0\0\0\0\0" + question
        values = self.records.get((name, kind), [])
        is_known = values or any(n == name for n, _ in self.records)
        answer = b"".join(b"\xc0\x0c" + struct.pack(">HHIH", number, 1, self.ttl, len(self._data(kind, v)))
                          + self._data(kind, v) for v in values)
        flags = 0x8180 if is_known else 0x8183
        return query[:2] + struct.pack(">HHHHH", flags, 1, len(values), 0, 0) + question + answer

    def _serve_udp(self):
        while not self.is_over:
            try:
                query, who = self.udp.recvfrom(4096)
                reply = self._reply(query, False)
                if reply:
                    self.udp.sendto(reply, who)
            except OSError:
                return

    def _serve_tcp(self):
        while not self.is_over:
            try:
                connection, _ = self.tcp.accept()
            except OSError:
                return
            with connection:
                connection.settimeout(5)
                try:
                    length = struct.unpack(">H", connection.recv(2, socket.MSG_WAITALL))[0]
                    reply = self._reply(connection.recv(length, socket.MSG_WAITALL), True)
                    if reply:
                        connection.sendall(struct.pack(">H", len(reply)) + reply)
                except (OSError, struct.error):
                    pass
