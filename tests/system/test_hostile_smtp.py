"""What hostile clients do to SMTP over real sockets: the same processes live on,
a healthy client is served, and nothing that was not acknowledged is stored.

ROWS says which test answers which class of attack: the classes that have broken mail
servers before, and F1 to F17, the faults of the wire."""
import base64
import os
import socket
import ssl
import struct
import time

from suite import PATIENCE, Suite, message

ROWS = {
    "F1 wrong ends of data: smuggling": "wrong_ends_of_data",
    "F2 injection behind STARTTLS": "injection_behind_starttls",
    "STARTTLS stripped: a password in clear": "no_password_before_tls",
    "F3 endless lines": "lines_without_end",
    "F3 endless headers, F7 a million addresses, fields, words": "huge_headers",
    "F4 negative, overflowing, wrapping numbers": "numbers_that_wrap",
    "F5 NUL, CR, LF, controls, overlong UTF-8 in every token": "octets_that_do_not_belong",
    "F6 nesting": "nesting",
    "F8 refused BDAT is consumed, not run": "refused_chunks_are_not_run",
    "F9 reset or FIN at every octet, F10 half-close": "end_at_every_octet",
    "F11 octet by octet": "octet_by_octet",
    "F12 slow clients and half handshakes": "slow_clients",
    "F12 slow readers, F16 replies that are not read": "replies_that_are_not_read",
    "F13 floods of connections": "floods_of_connections",
    "F13 floods of commands and recipients": "floods_of_commands",
    "F13 floods of logins: growing delays are in test_auth; here the end": "floods_of_logins",
    "F14 user names guessed by the reply": "nobody_is_enumerated",
    "F15 cross-protocol": "cross_protocol",
    "passwords and bodies in logs": "nothing_secret_is_logged",
    "TLS closed inside a message": "tls_cut_inside_a_message",
    "limits, one more than each": "limits_of_a_server",
    # F17, bombs of DEFLATE, are not of SMTP: there is no COMPRESS
}
ACCOUNTS = ("--user", "ann@example.test:secret", "--user", "bob@example.test:secret",
            "--set", "accounts.any_password=no")

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

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        self.close()

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


def test_every_row_has_its_test():
    for row, name in ROWS.items():
        assert callable(globals().get(f"test_{name}")), row


def exchange(suite, octets, name="smtp"):
    """All that is said to these octets, up to the end of the connection."""
    line = Line(suite, name)
    line.send(octets)
    said = line.file.read()
    line.close()
    return said.split(b"\r\n")[:-1]


def plain(user, password):
    return base64.b64encode(b"\0" + user + b"\0" + password)


def test_no_password_before_tls():
    with Suite(*ACCOUNTS, "--set", "listen.submission.tls=required") as suite:
        said = exchange(suite, b"EHLO x\r\nAUTH PLAIN " + plain(b"ann@example.test", b"secret")
                        + b"\r\nMAIL FROM:<ann@example.test>\r\nQUIT\r\n", "submission")
        assert not any(b"AUTH" in s for s in said[:-3]), said
        assert [s[:9] for s in said[-3:]] == [b"530 5.7.0", b"530 5.7.0", b"221 2.0.0"], said


def test_huge_headers():
    """They are taken, up to the message limit, and what is made of them is bounded."""
    heads = [b"To: " + b"a@b.example, " * 200_000 + b"x@y.example\r\n",
             b"".join(b"X-%d: y\r\n" % i for i in range(300_000)),
             b"References: " + b"<a@b>\r\n " * 200_000 + b"\r\n",
             b"Subject:" + b" =?utf-8?q?x?=\r\n" * 100_000,
             b"X: " + b"y" * 60_000 + b"\r\n"]
    with Suite() as suite:
        for head in heads:
            begun = time.monotonic()
            with Line(suite) as line:
                line.send(ENVELOPE)
                assert line.replies(5)[-1] == b"354"
                line.send(head + b"\r\nbody\r\n.\r\n")
                assert line.reply()[:3] in (b"250", b"550"), head[:20]
            assert time.monotonic() - begun < PATIENCE / 2
        still_healthy(suite)


def test_numbers_that_wrap():
    with Suite("--set", "limits.bad_commands=0") as suite:
        with Line(suite) as line:
            line.send(b"EHLO x\r\n")
            line.replies(2)
            for size in (b"-1", b"+1", b"18446744073709551616", b"18446744073709551617", b"0x10", b"1e3", b"",
                         b"99999999999999999999999999", b" 1"):
                line.send(b"MAIL FROM:<a@b.example> SIZE=" + size + b"\r\n")
                assert line.reply()[:1] == b"5", size
        for octets in (b"-1", b"18446744073709551616", b"18446744073709551617", b"99999999999999999999",
                       b"0x10", b"1 2", b"", b"4611686018427387905"):
            said = exchange(suite, b"EHLO x\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<bob@example.test>\r\nBDAT "
                            + octets + b" LAST\r\nNOOP\r\n")
            assert said[-1][:3] in (b"501", b"552"), (octets, said[-1])
        assert stored(suite) == 0
        still_healthy(suite)


def test_octets_that_do_not_belong():
    """In each place of each command; nothing gets through, and the session goes on."""
    bad = [b"\0", b"\x01", b"\x7f", b"\xff", b"\xc0\xaf", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\r", b"\n",
           b"\x1b[2J"]
    forms = [b"EHLO x%sy", b"MAIL FROM:<a%sb@c.example>", b"MAIL FROM:<\"a%sb\"@c.example>", b"MAIL FROM:<a@c%s.example>",
             b"MAIL FROM:<a@c.example> SIZE=%s", b"MAIL FROM:<a@c.example> BODY=%s", b"MAIL FROM:<a@c.example>%s",
             b"XYZ%sZY", b"BDAT 0%s", b"HELP x%s"]
    with Suite("--set", "limits.bad_commands=0", "--set", "limits.empty_commands=0") as suite:
        for form in forms:
            for octets in bad:
                command = form.replace(b"%s", octets)
                said = exchange(suite, b"EHLO ok\r\n" + command + b"\r\nQUIT\r\n")
                assert said[-2].startswith(b"5") or said[-1].startswith(b"501"), (command, said[-2:])
                assert all(32 <= o < 127 for s in said for o in s), said
        for rcpt in (b"<bob@example.test\0>", b"<bob@example.test\r>", b"<bob>x@example.test>", b"<\xff@example.test>",
                     b"<\"bob\x01\"@example.test>", b"<bob@example.test> NOTIFY=NEVER"):
            said = exchange(suite, b"EHLO ok\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:" + rcpt + b"\r\nDATA\r\nQUIT\r\n")
            assert [s[:1] for s in said[-3:]] == [b"5", b"5", b"2"], (rcpt, said)
        assert stored(suite) == 0
        still_healthy(suite)
    with Suite(*ACCOUNTS) as suite:
        for response in (b"AGFu\0bg==", b"!!!!", b"A", b"AGFubg", b"=", base64.b64encode(b"\0ann\r\nRCPT TO:<x>\0y"),
                         base64.b64encode(b"\xff\0\xff\0\xff"), base64.b64encode(b"a" * 5000)):
            said = exchange(suite, b"EHLO ok\r\nAUTH PLAIN " + response + b"\r\nQUIT\r\n", "submission")
            assert said[-2][:1] == b"5" and said[-1][:3] == b"221", (response, said)


def test_nesting():
    with Suite() as suite:
        opened = b"".join(b'Content-Type: multipart/mixed; boundary="%d"\r\n\r\n--%d\r\n' % (i, i)
                          for i in range(10_000))
        within = b"Content-Type: message/rfc822\r\n\r\n" * 10_000
        comment = b"From: " + b"(" * 30_000 + b"a@b.example\r\n\r\nx"
        for body in (opened, within, comment):
            with Line(suite) as line:
                line.send(ENVELOPE)
                assert line.replies(5)[-1] == b"354"
                line.send(body + b"\r\n.\r\n")
                assert line.reply()[:3] == b"250"
        assert stored(suite) == 3
        still_healthy(suite)


def test_slow_clients():
    """300 in the midst of a message, 50 that began a handshake, 50 that say nothing."""
    with Suite() as suite:
        slow = []
        for _ in range(300):
            line = Line(suite)
            line.send(ENVELOPE + b"Subject: slow\r\n")
            slow.append(line)
        for _ in range(50):
            half = Line(suite, "submissions")
            half.send(b"\x16\x03\x01\x02\0\x01")
            slow += [half, Line(suite)]
        for line in slow[:300]:
            assert line.replies(5)[-1] == b"354"
        still_healthy(suite)
        for line in slow:
            line.close(reset=True)
        still_healthy(suite)


def test_floods_of_connections():
    limits = ("--set", "trusted=192.0.2.1", "--set", "limits.connections_per_address=5",
              "--set", "limits.connections_per_network=8")
    with Suite(*limits) as suite:
        def from_address(address):
            line = Line.__new__(Line)
            line.socket = socket.create_connection(suite.at("smtp"), timeout=PATIENCE, source_address=(address, 0))
            line.file = line.socket.makefile("rb")
            return line, line.reply()
        held = [from_address("127.0.1.1") for _ in range(5)]
        assert all(reply.startswith(b"220 ") for _, reply in held)
        assert from_address("127.0.1.1")[1] == b"421 4.7.0 Too many connections from your address"
        held += [from_address("127.0.1.2") for _ in range(3)]
        assert all(reply.startswith(b"220 ") for _, reply in held)
        assert from_address("127.0.1.3")[1] == b"421 4.7.0 Too many connections from your network"
        held.append(from_address("127.0.2.1"))
        assert held[-1][1].startswith(b"220 ")
        for line, _ in held:
            line.close()
        line, reply = from_address("127.0.1.1")
        while not reply.startswith(b"220 "):  # the closes are on their way
            time.sleep(0.05)
            line, reply = from_address("127.0.1.1")
    with Suite("--set", "trusted=192.0.2.1", "--set", "limits.connection_rate=4") as suite:
        replies = []
        for _ in range(5):
            line = Line(suite)
            replies.append(line.reply())
            line.close()
        assert [r[:3] for r in replies] == [b"220"] * 4 + [b"421"], replies
        assert b"You connect too often" in replies[4]


def test_floods_of_commands():
    sets = ("--set", "trusted=192.0.2.1", "--set", "limits.bad_commands=4", "--set", "accounts.any_recipient=no",
            "--set", "limits.empty_commands=10", "--set", "limits.message_rate=3", "--set", "limits.recipient_rate=5")
    with Suite(*ACCOUNTS, *sets) as suite:
        # unknown recipients, one more than the limit would be; nothing is said behind it
        said = exchange(suite, b"EHLO x\r\nMAIL FROM:<a@b.example>\r\n"
                        + b"".join(b"RCPT TO:<no%d@example.test>\r\n" % i for i in range(9)))
        assert [s[:9] for s in said[-5:]] == [b"550 5.1.1"] * 4 + [b"421 4.7.0"], said
        said = exchange(suite, b"EHLO x\r\n" + b"NOOP\r\n" * 100)
        assert [s[:3] for s in said[-14:]] == [b"250"] * 13 + [b"421"], said
        # EHLO is one of the ten, and four more are taken as mistakes
        assert len([s for s in said if s.startswith(b"250 2.0.0")]) == 13
        # recipients and messages a minute; postmaster is reached
        said = exchange(suite, b"EHLO x\r\nMAIL FROM:<a@b.example>\r\n" + b"RCPT TO:<bob@example.test>\r\n" * 6
                        + b"RCPT TO:<postmaster@example.test>\r\nQUIT\r\n")
        # of five the unknown ones have spent four, unless the minute is another by now
        assert [s[:3] for s in said[-8:]] in ([b"250"] * 1 + [b"450"] * 5 + [b"250", b"221"],
                                              [b"250"] * 5 + [b"450"] + [b"250", b"221"]), said
        said = exchange(suite, b"EHLO x\r\n" + (b"MAIL FROM:<a@b.example>\r\nRCPT TO:<bob@example.test>\r\nRSET\r\n") * 3
                        + b"QUIT\r\n")
        assert any(s.startswith(b"450 4.7.1 Too much mail from your address: at most") for s in said), said


def test_floods_of_logins():
    with Suite(*ACCOUNTS, "--set", "limits.bad_commands=3", "--set", "accounts.throttle=no",
               "--set", "trusted=192.0.2.1") as suite:
        said = exchange(suite, b"EHLO x\r\n" + b"".join(
            b"AUTH PLAIN " + plain(b"ann@example.test", b"%d" % i) + b"\r\n" for i in range(9)), "submission")
        assert [s[:9] for s in said[-4:]] == [b"535 5.7.8"] * 3 + [b"421 4.7.0"], said


def test_nobody_is_enumerated():
    with Suite(*ACCOUNTS, "--set", "accounts.throttle=no", "--set", "accounts.any_recipient=no") as suite:
        said = exchange(suite, b"EHLO x\r\nVRFY bob@example.test\r\nVRFY nobody@example.test\r\nEXPN bob\r\n"
                        b"EXPN nobody\r\nQUIT\r\n")
        assert said[-5] == said[-4] and said[-3] == said[-2], said
        for mechanism in (lambda user: b"AUTH PLAIN " + plain(user, b"wrong") + b"\r\n",
                          lambda user: b"AUTH LOGIN\r\n" + base64.b64encode(user) + b"\r\nd3Jvbmc=\r\n"):
            heard = [exchange(suite, b"EHLO x\r\n" + mechanism(user) + b"QUIT\r\n", "submission")[-2]
                     for user in (b"ann@example.test", b"nobody@example.test", b"ann@elsewhere.example")]
            assert heard[0] == heard[1] == heard[2], heard
        # before AUTH submission says nothing about anybody
        said = exchange(suite, b"EHLO x\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<nobody@example.test>\r\nVRFY bob\r\n"
                        b"QUIT\r\n", "submission")
        assert [s[:3] for s in said[-4:]] == [b"530", b"503", b"530", b"221"] or \
            [s[:3] for s in said[-4:]] == [b"530", b"530", b"530", b"221"], said


def test_cross_protocol():
    with Suite() as suite:
        for first in (b"GET / HTTP/1.1\r\n", b"POST /x HTTP/1.0\r\n", b"PUT / HTTP/1.1\r\n", b"CONNECT x:25 HTTP/1.1\r\n"):
            said = exchange(suite, first + b"Host: x\r\n\r\nEHLO x\r\nMAIL FROM:<evil@b.example>\r\n")
            assert [s[:3] for s in said] == [b"220", b"554"], (first, said)
        # a client that wants another protocol by ALPN gets no session (ALPACA)
        for words, is_taken in ((["http/1.1"], False), (["imap"], False), (["smtp"], True), ([], True)):
            context = suite.tls_context()
            if words:
                context.set_alpn_protocols(words)
            try:
                with socket.create_connection(suite.at("submissions"), timeout=PATIENCE) as plain_socket, \
                        context.wrap_socket(plain_socket, server_hostname="localhost") as secure:
                    greeting = secure.recv(100)
            except (ssl.SSLError, ConnectionError):
                greeting = b""
            assert greeting.startswith(b"220 ") == is_taken, (words, greeting)
        still_healthy(suite)


def test_nothing_secret_is_logged():
    with Suite(*ACCOUNTS, "--set", "log_debug=yes") as suite:
        for password in (b"secret", b"wrong-Pa55word"):
            exchange(suite, b"EHLO x\r\nAUTH PLAIN " + plain(b"ann@example.test", password)
                     + b"\r\nMAIL FROM:<ann@example.test>\r\nRCPT TO:<bob@example.test>\r\nQUIT\r\n", "submission")
        line = Line(suite)
        line.send(ENVELOPE + b"Subject: body-of-Evidence\r\n\r\nbody-of-Evidence\r\n.\r\nQUIT\r\n")
        line.replies(7)
        line.close()
        log = suite.log_text()
        for secret in ("wrong-Pa55word", plain(b"ann@example.test", b"secret").decode(), "body-of-Evidence"):
            assert secret not in log, secret


def test_tls_cut_inside_a_message():
    with Suite() as suite:
        for wave in range(4):
            line = Line(suite)
            line.send(b"EHLO x\r\nSTARTTLS\r\n")
            assert line.replies(3) == [b"220", b"250", b"220"]
            line.file.close()
            secure = suite.tls_context().wrap_socket(line.socket, server_hostname="localhost")
            secure.sendall(ENVELOPE)
            heard = b""
            while b"354 " not in heard:
                heard += secure.recv(4096)
            secure.sendall(b"Subject: cut\r\n\r\nhalf a mess")
            if wave % 2:
                secure.close()  # the end of TCP, without close_notify
            else:
                raw = secure.detach()
                os.write(raw, b"\x17\x03\x03\0\x20" + b"garbage!" * 4)
                os.close(raw)
        assert stored(suite) == 0
        still_healthy(suite)
