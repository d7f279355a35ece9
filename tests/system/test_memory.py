"""Large messages flow through: no process grows with them (VmHWM)."""
import hashlib
import os
import socket

from suite import PATIENCE, PLAIN_BUILD, Suite, in_threads, message, wait_for

DAEMONS = ("smtpd", "mailboxd", "popd", "imapd")
LARGE = 50 * 1024 * 1024 - 4096         # the limit with its trace headers
LINE = b"0123456789abcdef" * 4 + b"\r\n"
MIB = 1024


def peak_kib(pid):
    with open(f"/proc/{pid}/status") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("VmHWM:"))


def peaks(suite):
    found = {name: peak_kib(suite.pids(name)[0]) for name in DAEMONS}
    found["postroom"] = peak_kib(suite.process.pid)
    return found


def large_message(number):
    """Pieces of a message of LARGE octets, made as they are sent."""
    head = f"Subject: large {number}\r\nMessage-ID: <large.{number}.{os.getpid()}@client.example>\r\n\r\n".encode()
    yield head
    piece = LINE * 1000
    left = LARGE - len(head)
    while left >= len(piece):
        yield piece
        left -= len(piece)
    yield LINE * (left // len(LINE))


class Connection:
    def __init__(self, at):
        self.socket = socket.create_connection(at, timeout=2 * PATIENCE)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.stream = self.socket.makefile("rb", 65536)
        self.line()

    def line(self):
        line = self.stream.readline()
        assert line, "the server closed the connection"
        return line

    def ask(self, command, good):
        self.socket.sendall(command + b"\r\n")
        line = self.line()
        while line[3:4] == b"-" or line.startswith(b"* "):
            line = self.line()
        assert line.startswith(good), (command, line)

    def close(self):
        self.stream.close()
        self.socket.close()


def send(suite, number, person):
    """Gives the digest of what was sent."""
    smtp = Connection(suite.at("smtp"))
    for command, good in ((b"EHLO x", b"250"), (b"MAIL FROM:<load@sender.example>", b"250"),
                          (b"RCPT TO:<%s>" % person.encode(), b"250"), (b"DATA", b"354")):
        smtp.ask(command, good)
    digest = hashlib.sha256()
    for piece in large_message(number):
        digest.update(piece)
        smtp.socket.sendall(piece)
    smtp.ask(b".", b"250")
    smtp.close()
    return digest.hexdigest()


class Tail:
    """The digest of what stands behind the trace headers of a message."""

    def __init__(self):
        self.digest, self.head = hashlib.sha256(), b""

    def feed(self, octets):
        if self.head is not None:
            self.head += octets
            at = self.head.find(b"Subject: large")
            if at < 0:
                return
            octets, self.head = self.head[at:], None
        self.digest.update(octets)


def read_imap(suite, person):
    imap = Connection(suite.at("imap"))
    imap.ask(b"a LOGIN %s secret" % person.encode(), b"a OK")
    imap.ask(b"b SELECT INBOX", b"b OK")
    imap.socket.sendall(b"c FETCH * BODY.PEEK[]\r\n")
    left = int(imap.line().rsplit(b"{", 1)[1].split(b"}")[0])
    tail = Tail()
    while left:
        octets = imap.stream.read(min(left, 65536))
        assert octets, "the server closed the connection"
        left -= len(octets)
        tail.feed(octets)
    imap.close()
    return tail.digest.hexdigest()


def read_pop(suite, person, number):
    pop = Connection(suite.at("pop3"))
    pop.ask(b"USER " + person.encode(), b"+OK")
    pop.ask(b"PASS secret", b"+OK")
    pop.ask(b"RETR %d" % number, b"+OK")
    tail = Tail()
    for line in iter(pop.line, b".\r\n"):
        tail.feed(line)
    pop.close()
    return tail.digest.hexdigest()


def pass_through(suite, count, first):
    """So many at once, in and out twice; KiB that each process grew by."""
    people = [f"large{number}@example.test" for number in range(count)]
    sent, by_imap, by_pop = {}, {}, {}
    # what the first session of a daemon and the first message set up is no growth
    for person in people:
        suite.send("x@sender.example", person, message(f"Subject: large {first}"))
        read_imap(suite, person)
        read_pop(suite, person, 1)
    before = peaks(suite)
    in_threads([lambda n=n, p=p: sent.update({p: send(suite, first + n, p)}) for n, p in enumerate(people)])
    in_threads([lambda p=p: by_imap.update({p: read_imap(suite, p)}) for p in people])
    in_threads([lambda p=p: by_pop.update({p: read_pop(suite, p, first + 1)}) for p in people])
    assert by_imap == sent, "IMAP gives other octets"
    assert by_pop == sent, "POP3 gives other octets"
    after = peaks(suite)
    grown = {name: after[name] - before[name] for name in before}
    print("".join(f"{name} +{kib / MIB:.1f} " for name, kib in grown.items()), end="", flush=True)
    return grown


def test_one_large_message_takes_no_memory():
    with Suite(build=PLAIN_BUILD) as suite:
        grown = pass_through(suite, 1, 1)
        assert max(grown.values()) <= 4 * MIB, grown


def test_ten_large_messages_take_little_memory():
    with Suite(build=PLAIN_BUILD) as suite:
        grown = pass_through(suite, 10, 1)
        assert max(grown.values()) <= 40 * MIB, grown
