"""What hostile clients do to SMTP over real sockets: the same processes live on,
a healthy client is served, and nothing that was not acknowledged is stored."""
import os
import socket
import ssl
import struct

from suite import PATIENCE, Suite, message

ENVELOPE = b"EHLO x.example\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<bob@example.test>\r\nDATA\r\n"


class Line:
    """A raw connection, read line by line."""

    def __init__(self, suite, name="smtp"):
        self.socket = socket.create_connection(suite.at(name), timeout=PATIENCE)
        self.file = self.socket.makefile("rb")

    def send(self, octets):
        self.socket.sendall(octets)

    def reply(self):
        """The last line of the next reply; b"" at the end."""
        while True:
            line = self.file.readline()
            if not line or line[3:4] != b"-":
                return line.rstrip(b"\r\n")

    def replies(self, count):
        return [self.reply()[:3] for _ in range(count)]

    def close(self, reset=False):
        if reset:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.file.close()
        self.socket.close()


def stored(suite):
    """How many messages bob has."""
    pop = suite.pop("bob@example.test")
    count = pop.stat()[0]
    pop.quit()
    return count


def still_healthy(suite):
    """One more message is taken; nobody has died meanwhile."""
    before = stored(suite)
    suite.send("ann@example.test", "bob@example.test", message("healthy"))
    assert stored(suite) == before + 1
    for daemon, pids in suite.ready["pids"].items():
        for pid in pids:
            assert os.path.exists(f"/proc/{pid}"), f"{daemon} was started anew"


def test_wrong_ends_of_data():
    ends = [b"\n.\n", b"\n.\r\n", b"\r.\r", b"\r\n.\n", b"\r\n.\r", b"\r.\r\n", b"\r\n.\0\r\n"]
    with Suite() as suite:
        for end in ends:
            line = Line(suite)
            line.send(ENVELOPE)
            assert line.replies(5) == [b"220", b"250", b"250", b"250", b"354"]
            line.send(b"Subject: x\r\n\r\nbody" + end
                      + b"MAIL FROM:<evil@b.example>\r\nRCPT TO:<bob@example.test>\r\nDATA\r\n")
            line.send(b"\r\n.\r\nQUIT\r\n")
            assert line.reply().startswith(b"554 5.6.0"), end
            assert line.replies(2) == [b"221", b""], end
            line.close()
        assert stored(suite) == 0
        still_healthy(suite)


def test_injection_behind_starttls():
    with Suite() as suite:
        line = Line(suite)
        line.send(b"EHLO x.example\r\n")
        assert line.replies(2) == [b"220", b"250"]
        line.send(b"STARTTLS\r\nEHLO evil.example\r\nMAIL FROM:<evil@b.example>\r\n")
        assert line.reply().startswith(b"220 2.0.0")
        line.file.close()
        secure = suite.tls_context().wrap_socket(line.socket, server_hostname="localhost")
        secure.sendall(b"RCPT TO:<bob@example.test>\r\nNOOP\r\nQUIT\r\n")
        answers = secure.makefile("rb").read().split(b"\r\n")
        assert [a[:9] for a in answers[:3]] == [b"503 5.5.1", b"250 2.0.0", b"221 2.0.0"], answers
        try:
            secure.close()
        except ssl.SSLError:
            pass
        still_healthy(suite)


def test_refused_chunks_are_not_run():
    with Suite() as suite:
        line = Line(suite)
        inner = ENVELOPE + b"x\r\n.\r\nQUIT\r\n"
        line.send(b"EHLO x.example\r\nBDAT %d LAST\r\n" % len(inner) + inner + b"NOOP\r\n")
        assert line.replies(4) == [b"220", b"250", b"503", b"250"]
        line.send(b"BDAT 18446744073709551617\r\n" + inner)
        assert line.replies(2) == [b"501", b""]
        line.close()
        assert stored(suite) == 0
        still_healthy(suite)


def test_octet_by_octet():
    session = ENVELOPE + b"Subject: slow\r\n\r\nbody\r\n.\r\nQUIT\r\n"
    with Suite() as suite:
        line = Line(suite)
        line.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for octet in session:
            line.send(bytes([octet]))
        assert line.replies(8) == [b"220", b"250", b"250", b"250", b"354", b"250", b"221", b""]
        line.close()
        assert stored(suite) == 1
        still_healthy(suite)


def test_end_at_every_octet():
    """FIN and reset by turns. Cut before the final dot nothing is stored; behind it
    the message is there, whatever becomes of the connection."""
    session = ENVELOPE + b"Subject: cut\r\n\r\nbody\r\n.\r\n"
    with Suite() as suite:
        for cut in range(len(session)):
            line = Line(suite)
            line.send(session[:cut])
            line.close(reset=cut % 2 == 1)
        assert stored(suite) == 0
        line = Line(suite)
        line.send(session)
        line.socket.shutdown(socket.SHUT_WR)
        assert line.replies(7) == [b"220", b"250", b"250", b"250", b"354", b"250", b""]
        line.close()
        assert stored(suite) == 1
        still_healthy(suite)


def test_replies_that_are_not_read():
    """Three clients send NOOP without end and read nothing: they are stopped, and
    others are served meanwhile."""
    with Suite() as suite:
        flooders = [Line(suite) for _ in range(3)]
        for line in flooders:
            line.socket.settimeout(1)
            try:
                for _ in range(2000):
                    line.send(b"NOOP\r\n" * 10000)
                raise AssertionError("120 MB of commands were taken unread")
            except TimeoutError:
                pass
        still_healthy(suite)
        for line in flooders:
            line.close(reset=True)
        still_healthy(suite)


def test_lines_without_end():
    with Suite() as suite:
        line = Line(suite)
        for _ in range(64):
            line.send(b"x" * 65536)
        line.send(b"\r\nNOOP\r\nQUIT\r\n")
        assert line.reply().startswith(b"220 ")
        assert line.reply().startswith(b"500 5.5.2")
        assert line.replies(3) == [b"250", b"221", b""]
        line.close()
        still_healthy(suite)


def test_limits_of_a_server():
    with Suite("--set", "limits.recipients=100", "--set", "limits.bad_commands=5",
               "--set", "limits.message=64KB", profile="lab") as suite:
        line = Line(suite)
        line.send(b"EHLO x.example\r\nMAIL FROM:<a@b.example> SIZE=65537\r\n"
                  b"MAIL FROM:<a@b.example>\r\n" + b"RCPT TO:<bob@example.test>\r\n" * 101 + b"DATA\r\n")
        assert line.replies(105) == [b"220", b"250", b"552"] + [b"250"] * 101 + [b"452"]
        assert line.reply().startswith(b"354")
        line.send(b"0123456\r\n" * 8000 + b".\r\n")
        assert line.reply().startswith(b"552 5.3.4")
        line.send(b"XYZZY\r\n" * 6)
        assert line.replies(7) == [b"500"] * 5 + [b"421", b""]
        line.close()
        line = Line(suite)
        line.send(b"POST / HTTP/1.1\r\nHost: x\r\n\r\n")
        assert line.replies(3) == [b"220", b"554", b""]
        line.close()
        # typed by hand, with LF alone
        line = Line(suite)
        line.send(b"EHLO x\n")
        assert line.reply().startswith(b"220 ")
        assert line.reply() == b"500 5.5.2 lines end with CR LF: use nc -C"
        line.close()


def test_teaching_can_be_switched_off():
    """What ends with LF alone is then no line, and nothing is said to it."""
    with Suite("--set", "listen.smtp.teach=no", profile="lab") as suite:
        line = Line(suite)
        line.send(b"EHLO x\n\r\nQUIT\r\n")
        assert line.replies(4) == [b"220", b"500", b"221", b""]
        line.close()
