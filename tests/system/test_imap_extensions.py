"""What IMAP offers beyond the base, over real sockets: Python's imaplib with its
octets packed, and a client that resynchronises."""
import imaplib
import time
import zlib

from suite import Suite, message

ANN = "ann@example.test"
ACCOUNTS = ("--user", f"{ANN}:secret")


class Deflated(imaplib.IMAP4_SSL):
    """COMPRESS=DEFLATE (RFC 4978): a file for reading, and send(), in between."""

    def compress(self):
        self.untagged_responses = {}
        tag = self._new_tag()
        self.send(tag + b" COMPRESS DEFLATE\r\n")
        line = self.readline()
        assert line.startswith(tag + b" OK"), line
        self.packer = zlib.compressobj(6, zlib.DEFLATED, -15)
        self.unpacker = zlib.decompressobj(-15)
        self.plain = b""
        self.wire_in = self.wire_out = 0
        self.readline, self.read, self.send = self._readline, self._read, self._send

    def _more(self):
        octets = self.sock.recv(65536)
        assert octets, "the server has closed"
        self.wire_in += len(octets)
        self.plain += self.unpacker.decompress(octets)

    def _readline(self):
        while b"\n" not in self.plain:
            self._more()
        line, self.plain = self.plain.split(b"\n", 1)
        return line + b"\n"

    def _read(self, size):
        while len(self.plain) < size:
            self._more()
        octets, self.plain = self.plain[:size], self.plain[size:]
        return octets

    def _send(self, octets):
        packed = self.packer.compress(octets) + self.packer.flush(zlib.Z_SYNC_FLUSH)
        self.wire_out += len(packed)
        self.sock.sendall(packed)


def deflated(suite):
    port = suite.at("imaps")[1]
    imap = Deflated("localhost", port, ssl_context=suite.tls_context())
    imap.login(ANN, "secret")
    assert "COMPRESS=DEFLATE" in imap.capability()[1][0].decode()
    imap.compress()
    return imap


def test_compress():
    with Suite(*ACCOUNTS) as suite:
        imap = deflated(suite)
        big = b"Subject: big\r\n\r\n" + b"the same line again and again\r\n" * 100000
        assert imap.append("INBOX", "", "", big)[0] == "OK"
        assert imap.wire_out < len(big) // 20, imap.wire_out
        assert imap.select("INBOX")[1] == [b"1"]
        got = imap.fetch("1", "(BODY.PEEK[])")[1][0][1]
        assert got == big
        assert imap.wire_in < len(big) // 20, imap.wire_in
        # at rest for more than a second: what was given back is taken up again
        for _ in range(2):
            time.sleep(1.5)
            assert imap.noop()[0] == "OK"
        tag = imap._new_tag()
        imap.send(tag + b" COMPRESS DEFLATE\r\n")
        assert b"BAD [COMPRESSIONACTIVE]" in imap.readline()
        imap.logout()


def test_resynchronise():
    with Suite(*ACCOUNTS) as suite:
        imap = suite.imap(ANN)
        for number in range(5):
            imap.append("INBOX", "", "", message(f"number {number}"))
        imap._simple_command("ENABLE", "QRESYNC")
        imap.select("INBOX")
        validity = int(imap.response("UIDVALIDITY")[1][0])
        modseq = int(imap.response("HIGHESTMODSEQ")[1][0])
        imap.uid("STORE", "2,4", "+FLAGS", r"(\Deleted)")
        imap.uid("STORE", "1", "+FLAGS", r"(\Seen)")
        imap.expunge()
        assert imap.response("VANISHED")[1] == [b"2,4"]
        imap.logout()
        imap = suite.imap(ANN)
        imap._simple_command("ENABLE", "QRESYNC")
        imap.state = "AUTH"
        typ, _ = imap._simple_command("SELECT", "INBOX", f"(QRESYNC ({validity} {modseq}))")
        assert typ == "OK"
        assert imap.response("VANISHED")[1] == [b"(EARLIER) 2,4"]
        fetched = imap.response("FETCH")[1]
        assert len(fetched) == 1 and b"UID 1 " in fetched[0] and rb"\Seen" in fetched[0], fetched
        imap.logout()
