"""mailboxd killed at each named crash point (common/crash_point.h): what was
stored is there once, what was not can be sent again, and XDONE knows which."""
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile

from suite import BUILD, PATIENCE, TOP, Skip

MAILBOXD = os.path.join(BUILD, "mailboxd", "mailboxd")
ALONE = os.path.join(TOP, "tests", "support", "alone.py")
MID, SECOND = "m06h0p5uvn9s6p8cvrlap", "m06h0p5v0iev6oq2sr6gh"
BODY = b"Subject: once\r\n\r\n" + b"0123456789\r\n" * 10

# name: whether the message is stored when the process dies there
POINTS = {
    "lmtp.data": False,
    "lmtp.whole": False,
    "lmtp.before_commit": False,
    "lmtp.before_reply": True,
}


class Alone:
    """mailboxd by itself, without postroom."""

    def __init__(self, directory, crash=None):
        self.socket = os.path.join(directory, "lmtp.sock")
        environment = dict(os.environ)
        if crash:
            environment["POSTROOM_CRASH"] = crash
        self.process = subprocess.Popen(
            [sys.executable, ALONE, MAILBOXD, directory, "profile = lab",
             "accounts { any_recipient = yes }", "limits { reserve = 0 }"],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment)
        assert self.process.stdout.readline().startswith(b"ready")

    def talk(self, *lines):
        """Says LHLO and the lines; gives the replies until the other end closes."""
        with socket.socket(socket.AF_UNIX) as s:
            s.settimeout(PATIENCE)
            s.connect(self.socket)
            s.sendall(b"LHLO test\r\n" + b"".join(lines) + b"QUIT\r\n")
            replies = b""
            try:
                while piece := s.recv(65536):
                    replies += piece
            except ConnectionError:
                pass
        return replies.split(b"SIZE ")[-1].split(b"\r\n")[1:]

    def send(self, mid):
        return self.talk(
            f"MAIL FROM:<a@example.org> XMID={mid}\r\n".encode(),
            b"RCPT TO:<ann@example.test>\r\n",
            b"XDIGEST " + b"5a" * 32 + b"\r\n",
            f"BDAT {len(BODY)} LAST\r\n".encode(), BODY)

    def done(self, mid):
        return self.talk(f"XDONE {mid}\r\n".encode())[0][:3]

    def wait(self):
        return self.process.wait(PATIENCE)

    def stop(self):
        self.process.terminate()
        self.process.wait(PATIENCE)


def need_hooks():
    with open(os.path.join(BUILD, "config.h")) as file:
        if "#define WITH_TEST_HOOKS 1" not in file.read():
            raise Skip("built without --enable-test-hooks")


def test_every_point_of_the_source_is_listed():
    found = set()
    for folder in ("common", "smtpd", "mailboxd", "popd", "imapd"):
        for name in os.listdir(os.path.join(TOP, folder)):
            if name.endswith(".c"):
                with open(os.path.join(TOP, folder, name)) as file:
                    found |= set(re.findall(r'crash_point\("([^"]+)"\)', file.read()))
    assert found == set(POINTS), found ^ set(POINTS)


def test_killed_at_each_point():
    need_hooks()
    for point, is_stored in POINTS.items():
        directory = tempfile.mkdtemp(prefix="postroom-crash-")
        try:
            mailboxd = Alone(directory, crash=point)
            replies = mailboxd.send(MID)
            assert not any(b"Stored" in line for line in replies), (point, replies)
            assert mailboxd.wait() == 137, point
            mailboxd = Alone(directory)
            assert mailboxd.done(MID) == (b"250" if is_stored else b"550"), point
            if not is_stored:
                # "no" bars the id for good; the client sends again under another
                late = mailboxd.send(MID)
                assert not any(b"Stored" in line for line in late), (point, late)
                again = mailboxd.send(SECOND)
                assert any(b"Stored as " + SECOND.encode() in line for line in again), (point, again)
            else:
                # the same message from the same client, never told: the first one
                again = mailboxd.send(SECOND)
                assert any(b"Stored as " + MID.encode() in line for line in again), (point, again)
            mailboxd.stop()
            assert entries(directory) == 1, point
        finally:
            shutil.rmtree(directory)


def entries(directory):
    import sqlite3
    with sqlite3.connect(os.path.join(directory, "store", "store.db")) as db:
        return db.execute("SELECT count(*) FROM entry").fetchone()[0]
