"""Under strace: what a command changed is synced before its client has the reply;
flags alone within a second (trust: durability contract)."""
import os
import re
import shutil
import tempfile
import time

from suite import PATIENCE, PLAIN_BUILD, Skip, Suite, message, run

USER = "ann@example.test"
CALL = re.compile(r"^(\d+\.\d+) (pwrite64|fdatasync|fsync)\(\d+<[^>]*store\.db-wal>.* = \d+ <(\d+\.\d+)>$")


def wal_calls(trace):
    """(begin, end, name) of each call on the log, of all threads."""
    found = []
    for name in os.listdir(trace):
        with open(os.path.join(trace, name), errors="replace") as file:
            for line in file:
                match = CALL.match(line.rstrip())
                if match:
                    begin = float(match.group(1))
                    found.append((begin, begin + float(match.group(3)), match.group(2)))
    return sorted(found)


class Windows:
    """When each command was sent, and when its reply was there."""

    def __init__(self):
        self.all = []

    def time(self, name, job):
        time.sleep(1.5)     # what the one before left is synced, pruned
        begin = time.time()
        job()
        self.all.append((name, begin, time.time()))


def commands(suite, windows):
    smtp = suite.smtp()
    windows.time("SMTP", lambda: smtp.sendmail("bob@example.test", [USER], message("one")))
    windows.time("SMTP again", lambda: smtp.sendmail("bob@example.test", [USER], message("two")))
    imap = suite.imap(USER)
    imap.select("INBOX")
    windows.time("APPEND", lambda: imap.append("INBOX", "", None, message("three")))
    windows.time("COPY", lambda: imap.copy("1", "Archive"))
    windows.time("MOVE", lambda: imap.uid("MOVE", "1", "Trash"))
    windows.time("STORE", lambda: imap.store("1", "+FLAGS", "(\\Deleted)"))
    windows.time("EXPUNGE", imap.expunge)
    windows.time("CREATE", lambda: imap.create("New"))
    windows.time("RENAME", lambda: imap.rename("New", "Newer"))
    windows.time("DELETE", lambda: imap.delete("Newer"))
    windows.time("SUBSCRIBE", lambda: imap.unsubscribe("Archive"))
    imap.logout()
    pop = suite.pop(USER)
    pop.dele(1)
    windows.time("QUIT", pop.quit)
    time.sleep(1.5)


def test_the_sync_comes_before_the_reply():
    trace = tempfile.mkdtemp(prefix="postroom-strace-")
    try:
        status, _ = run("strace", "-f", "-o", os.path.join(trace, "probe"), "true", check=False)
        if status != 0:
            raise Skip("strace may not trace here")
        os.unlink(os.path.join(trace, "probe"))
        windows = Windows()
        with Suite(profile="lab", build=PLAIN_BUILD,
                   prefix=("strace", "-ff", "-ttt", "-T", "-y", "-o", os.path.join(trace, "t"),
                           "-e", "trace=pwrite64,fdatasync,fsync")) as suite:
            commands(suite, windows)
            suite.command("stop")
            suite.process.wait(PATIENCE)
        calls = wal_calls(trace)
        for name, begin, end in windows.all:
            writes = [c for c in calls if begin <= c[0] < end and c[2] == "pwrite64"]
            assert writes, f"{name}: nothing was written"
            limit = end + 1.3 if name == "STORE" else end
            synced = [c for c in calls if c[2] != "pwrite64" and c[0] >= writes[0][1] and c[1] <= limit]
            assert synced, f"{name}: no sync until the reply"
            if name != "STORE":
                # nothing of it came behind the sync: pages of one commit are written in one go
                late = [c for c in writes if c[0] > synced[0][1] and c[0] - synced[0][1] < 0.0005]
                assert not late, (name, late)
    finally:
        shutil.rmtree(trace, ignore_errors=True)
