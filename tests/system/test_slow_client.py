"""A long FETCH to a client that does not read: it delays nobody, and holds nothing in the store."""
import os
import socket

from suite import PATIENCE, Suite, message

BOB = "bob@example.test"
COUNT, SIZE = 100, 100_000


def fetching_and_not_reading(suite):
    """All of INBOX was asked for, and nothing of it read."""
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    client.settimeout(PATIENCE)
    client.connect(suite.at("imap"))
    lines = client.makefile("rb")
    lines.readline()
    for line in (f"a LOGIN {BOB} secret", "b EXAMINE INBOX"):
        client.sendall(line.encode() + b"\r\n")
        while not lines.readline().startswith(line[:2].encode()):
            pass
    client.sendall(b"c FETCH 1:* (UID BODY.PEEK[])\r\n")
    assert lines.readline().startswith(b"* 1 FETCH (UID 1 BODY[] {")
    return client, lines


def test_slow_client():
    with Suite(profile="lab") as suite:
        body = message("large", body="x" * 70 + "\n") + b"y" * 75 + b"\r\n"
        body += (b"z" * 75 + b"\r\n") * (SIZE // 77)
        other = suite.imap(BOB)
        for _ in range(COUNT):
            assert other.append("INBOX", None, None, body)[0] == "OK"
        slow, lines = fetching_and_not_reading(suite)
        # others go on, on the same mailbox
        other.select()
        assert other.store("1:*", "+FLAGS.SILENT", "\\Seen")[0] == "OK"
        assert len(other.search(None, "BODY", "zzz")[1][0].split()) == COUNT
        assert other.copy("1:*", "Archive")[0] == "OK"
        for number in range(3 * COUNT):
            assert other.append("Drafts", None, None, body)[0] == "OK"
        pop = suite.pop(BOB)
        assert pop.stat()[0] == COUNT
        pop.quit()
        # a snapshot that somebody held would keep the database's log (16 MiB) from being used anew: it had all of Drafts
        log = os.path.getsize(os.path.join(suite.dir, "store", "store.db-wal"))
        assert log < 2 * COUNT * SIZE, log
        # and the client gets what it asked for, though half of it is expunged by now
        other.store(f"{COUNT // 2}:{COUNT}", "+FLAGS.SILENT", "\\Deleted")
        assert other.expunge()[0] == "OK"
        seen = 0
        while True:
            line = lines.readline()
            assert line, "the connection ended"
            seen += line.endswith(b"}\r\n") and line.startswith(b"* ")
            if line.startswith(b"c "):
                break
        assert line.startswith(b"c OK") or line.startswith(b"c NO"), line
        assert seen >= COUNT // 2 - 2, seen
        slow.close()
        other.logout()
