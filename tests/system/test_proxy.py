"""Clients behind a balancer that speaks the PROXY protocol, versions 1 and 2."""
import imaplib
import json
import socket
import ssl
import struct

from suite import PATIENCE, Suite, message, wait_for

LINE = b"PROXY TCP4 192.0.2.77 192.0.2.1 40000 25\r\n"
OCTETS = (b"\r\n\r\n\0\r\nQUIT\n\x21\x11" + struct.pack(">H", 12) + socket.inet_aton("192.0.2.78")
          + socket.inet_aton("192.0.2.1") + struct.pack(">HH", 40001, 993))


def connect(suite, title, header):
    client = socket.create_connection(suite.at(title), timeout=PATIENCE)
    client.sendall(header)
    return client


class Behind(imaplib.IMAP4_SSL):
    """IMAP over TLS whose first octets are a balancer's."""

    def __init__(self, suite):
        self.suite = suite
        super().__init__(*suite.at("imaps"), ssl_context=suite.tls_context(), timeout=PATIENCE)

    def _create_socket(self, timeout):
        return self.ssl_context.wrap_socket(connect(self.suite, "imaps", OCTETS),
                                            server_hostname=self.host)


def test_clients_behind_a_balancer():
    with Suite("--set", "listen.smtp.proxy=yes", "--set", "listen.imaps.proxy=yes", profile="lab") as suite:
        with connect(suite, "smtp", LINE) as client:
            talk = client.makefile("rwb")
            assert talk.readline().startswith(b"220 ")
            for line in (b"EHLO a.example", b"MAIL FROM:<x@a.example>", b"RCPT TO:<bob@example.test>", b"DATA",
                         message("behind") + b".", b"QUIT"):
                talk.write(line + b"\r\n")
                talk.flush()
                while True:
                    reply = talk.readline()
                    assert reply[:1] in b"23", reply
                    if reply[3:4] == b" ":
                        break
        with Behind(suite) as client:
            client.login("bob@example.test", "secret")
            client.select("INBOX")
            head = client.fetch("1", "(BODY.PEEK[HEADER.FIELDS (RECEIVED)])")[1][0][1]
            assert b"from a.example ([192.0.2.77])" in head, head
            rows = json.loads(suite.command("who", "--json")[1])
            assert [row["client"] for row in rows if row["service"] == "imap"] == ["192.0.2.78"], rows
        # no header, a bad one, TLS without one: the end, and a line in the log
        for title, octets in (("smtp", b"EHLO a\r\n"), ("smtp", b"PROXY TCP4 1.2.3.4\r\n"), ("imaps", b"\x16\x03\x01")):
            with connect(suite, title, octets) as client:
                assert client.recv(100) == b""
        wait_for("the log", lambda: suite.log_text().count("event=conn.proxy_refused") == 3)


def test_limits_count_the_client_not_the_balancer():
    with Suite("--set", "listen.smtp.proxy=yes", "--set", "limits.connections_per_address=2",
               profile="lab") as suite:
        held = [connect(suite, "smtp", LINE) for _ in range(2)]
        for client in held:
            assert client.recv(3) == b"220"
        with connect(suite, "smtp", LINE) as client:
            assert client.recv(1000).startswith(b"421 4.7.0 Too many connections from your address")
        with connect(suite, "smtp", LINE.replace(b"2.77", b"2.79")) as client:
            assert client.recv(3) == b"220"
        held.pop().close()
        wait_for("room again", lambda: connect(suite, "smtp", LINE).recv(3) == b"220")
        for client in held:
            client.close()


def test_webmail_names_its_users():
    """ID with x-originating-ip, and XCLIENT in POP3: each is counted for the address that was told."""
    with Suite("--set", "listen.imap.xclient=yes", "--set", "listen.pop3.xclient=yes", profile="lab") as suite:
        for address, password in (("192.0.2.81", "wrong"), ("192.0.2.82", "secret")):
            client = suite.imap()
            assert client.xatom("ID", f'("name" "webmail" "x-originating-ip" "{address}")')[0] == "OK"
            try:
                client.login("bob@example.test", password)
            except imaplib.IMAP4.error:
                assert password == "wrong"
            client.logout()
        pop = suite.pop()
        assert pop.getwelcome().startswith(b"+OK [XCLIENT] "), pop.getwelcome()
        pop._shortcmd("XCLIENT ADDR=192.0.2.83 PORT=4711")
        pop.user("bob@example.test")
        pop.pass_("secret")
        pop.quit()
        log = suite.log_text()
        for words in ("proto=imap mech=PLAIN user=bob@example.test client=192.0.2.81 reason=password",
                      "proto=imap user=bob@example.test mech=PLAIN client=192.0.2.82",
                      "proto=pop3 user=bob@example.test mech=PLAIN client=192.0.2.83"):
            assert words in log, (words, log[-3000:])
