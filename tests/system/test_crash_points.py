"""mailboxd killed at each named crash point (common/crash_point.h): what was
stored is there once, what was not can be sent again, and XDONE knows which."""
import imaplib
import os
import poplib
import re
import shutil
import smtplib
import socket
import subprocess
import sys
import tempfile

from suite import BUILD, PATIENCE, TOP, Skip, Suite, message, wait_for

MAILBOXD = os.path.join(BUILD, "mailboxd", "mailboxd")
ALONE = os.path.join(TOP, "tests", "support", "alone.py")
MID, SECOND = "m06h0p5uvn9s6p8cvrlap", "m06h0p5v0iev6oq2sr6gh"
BODY = b"Subject: once\r\n\r\n" + b"0123456789\r\n" * 10

class Alone:
    """mailboxd by itself, without postroom."""

    def __init__(self, directory, crash=None, log=None):
        self.socket = os.path.join(directory, "lmtp.sock")
        environment = dict(os.environ)
        if crash:
            environment["POSTROOM_CRASH"] = crash
        self.process = subprocess.Popen(
            [sys.executable, ALONE, MAILBOXD, directory, "profile = lab",
             "accounts { any_recipient = yes }", "limits { reserve = 0 }"],
            stdout=subprocess.PIPE, stderr=log or subprocess.DEVNULL, env=environment)
        self.is_ready = self.process.stdout.readline().startswith(b"ready")
        assert self.is_ready or crash, "mailboxd did not start"

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

    def send(self, mid, number=0):
        body = BODY + str(number).encode() + b"\r\n"
        return self.talk(
            f"MAIL FROM:<a@example.org> XMID={mid}\r\n".encode(),
            b"RCPT TO:<ann@example.test>\r\n",
            b"XDIGEST " + f"{number:02x}".encode() * 32 + b"\r\n",
            f"BDAT {len(body)} LAST\r\n".encode(), body)

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


# ---- the points of one delivery, and whether it is stored when the process dies there

DELIVERY = {
    "lmtp.data": False,
    "lmtp.whole": False,
    "lmtp.before_commit": False,
    "lmtp.before_reply": True,
}


def test_killed_at_each_point_of_a_delivery():
    need_hooks()
    for point, is_stored in DELIVERY.items():
        with scratch() as directory:
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


# ---- the points inside SQLite's writes (P3, P8): at each pass of a start, three
# deliveries and a stop

STORE = ("wal.before_sync", "wal.after_sync", "wal.reset", "checkpoint.write", "checkpoint.synced")
PASSES = 40


def mid_of(number):
    return f"m06h0p5uvn9s6p8cvr{number:03}"


def deliveries(mailboxd, stored):
    """Three messages; those that are not answered are asked for and sent again."""
    for number in range(3):
        mid = mid_of(number)
        if mid in stored:
            continue
        try:
            replies = mailboxd.send(mid, number)
        except OSError:
            return
        if any(b"Stored" in line for line in replies):
            stored.add(mid)


def test_killed_inside_a_commit_or_a_checkpoint():
    need_hooks()
    for point in STORE:
        died = 0
        for number in range(1, PASSES):
            with scratch() as directory:
                stored = set()
                mailboxd = Alone(directory, crash=f"{point}:{number}")
                if mailboxd.is_ready:
                    deliveries(mailboxd, stored)
                    mailboxd.stop()
                status = mailboxd.wait()
                mailboxd = Alone(directory)
                for index in range(3):
                    done = mailboxd.done(mid_of(index)) == b"250"
                    assert done or mid_of(index) not in stored, (point, number, index)
                    if not done:
                        replies = mailboxd.send(mid_of(10 + index), index)
                        assert any(b"Stored" in line for line in replies), (point, number, replies)
                mailboxd.stop()
                assert entries(directory) == 3, (point, number, entries(directory))
                check_file(directory)
            if status == 0:
                break
            died += 1
        assert died > 0, f"{point} is never passed"


# ---- a migration (P8, F39)

MIGRATION = ("store.migrate.copied", "store.migrate.statement")


def old_store(directory, schema):
    store = os.path.join(directory, "store")
    os.mkdir(store, 0o700)
    shutil.copyfile(os.path.join(TOP, "tests", "data", f"store-{schema}.db"), os.path.join(store, "store.db"))


def test_killed_at_each_statement_of_a_migration():
    need_hooks()
    for point in MIGRATION:
        for schema in (1, 2):
            died = 0
            for number in range(1, 200):
                with scratch() as directory:
                    old_store(directory, schema)
                    before = entries(directory)
                    mailboxd = Alone(directory, crash=f"{point}:{number}")
                    if mailboxd.is_ready:
                        mailboxd.stop()
                        break
                    assert mailboxd.wait() != 0
                    assert query(directory, "PRAGMA user_version") >= schema
                    mailboxd = Alone(directory)
                    mailboxd.stop()
                    assert query(directory, "PRAGMA user_version") > 2, (point, number)
                    assert entries(directory) == before
                    check_file(directory)
                    left = [n for n in os.listdir(os.path.join(directory, "store")) if ".part" in n]
                    assert not left, left
                died += 1
            assert died > 0, f"{point} is never passed"


def test_a_migration_without_room_says_how_much():
    if os.geteuid() != 0:
        raise Skip("mounting a tmpfs needs root")
    with scratch() as directory:
        store = os.path.join(directory, "store")
        os.mkdir(store, 0o700)
        mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m,mode=0700", "tmpfs", store],
                                 capture_output=True)
        if mounted.returncode != 0:
            raise Skip("mounting a tmpfs needs root")
        try:
            shutil.copyfile(os.path.join(TOP, "tests", "data", "store-2.db"), os.path.join(store, "store.db"))
            done = subprocess.run([sys.executable, ALONE, MAILBOXD, directory, "profile = lab"],
                                  capture_output=True, timeout=PATIENCE)
            assert done.returncode != 0
            text = done.stderr.decode()
            assert re.search(r"that needs \d+ MB in .*, \d+ MB are free", text), text
            assert query(directory, "PRAGMA user_version") == 2
            assert not [n for n in os.listdir(store) if "before" in n], os.listdir(store)
        finally:
            subprocess.run(["umount", "-l", store], capture_output=True)


# ---- MOVE, EXPUNGE, QUIT, APPEND (P9, P10): whether it is done when mailboxd dies at
# the second one

CHANGES = {
    "copy.before_commit": False,
    "copy.before_reply": True,
    "expunge.before_commit": False,
    "expunge.before_reply": True,
    "append.before_commit": False,
    "append.before_reply": True,
}
USER = "ann@example.test"


def imap_of(suite):
    def connect():
        try:
            client = suite.imap(USER)
            client.select("INBOX")
            return client
        except (imaplib.IMAP4.error, OSError):
            return None
    return wait_for("imapd serves", connect)


def uids(client, mailbox="INBOX"):
    client.select(mailbox, readonly=True)
    return client.uid("SEARCH", "ALL")[1][0].split()


def change(client, kind, uid):
    if kind == "copy":
        return client.uid("MOVE", uid, "Trash")
    if kind == "append":
        return client.append("INBOX", "", None, message(f"appended {uid}"))
    client.uid("STORE", uid, "+FLAGS.SILENT", "(\\Deleted)")
    return client.uid("EXPUNGE", uid)


def test_killed_around_a_change():
    need_hooks()
    for point, is_done in CHANGES.items():
        kind = point.split(".")[0]
        with Suite(env={"POSTROOM_CRASH": f"{point}:2"}) as suite:
            for number in range(4):
                suite.send("bob@example.test", USER, message(f"change {number}"))
            client = imap_of(suite)
            assert change(client, kind, "1")[0] == "OK", point
            before = uids(client), uids(client, "Trash")
            client.select("INBOX")
            try:
                answer = change(client, kind, "2")
                assert answer[0] != "OK", (point, answer)
            except (imaplib.IMAP4.error, OSError):
                pass
            client = imap_of(suite)
            after = uids(client), uids(client, "Trash")
            if is_done:
                assert len(after[0]) == len(before[0]) + (1 if kind == "append" else -1), (point, before, after)
                assert len(after[1]) == len(before[1]) + (kind == "copy"), (point, before, after)
            else:
                assert after == before, (point, before, after)
            client.select("INBOX")
            # said again, by UID, it is harmless; an APPEND is one more message
            assert change(client, kind, "2")[0] == "OK", point
            final = uids(client), uids(client, "Trash")
            if kind == "append":
                assert len(final[0]) == len(before[0]) + 1 + is_done, (point, before, final)
            else:
                assert b"2" not in final[0] and len(final[0]) == len(before[0]) - 1, (point, final)
                assert len(final[1]) == len(before[1]) + (kind == "copy"), (point, final)
            client.logout()
            assert "sound" in suite.command("check")[1], point


def test_killed_around_quit_of_pop():
    need_hooks()
    for point, is_done in CHANGES.items():
        if not point.startswith("expunge"):
            continue
        with Suite(env={"POSTROOM_CRASH": point}) as suite:
            for number in range(3):
                suite.send("bob@example.test", USER, message(f"pop {number}"))
            client = suite.pop(USER)
            client.dele(1)
            client.dele(3)
            try:
                answer = client.quit()
                assert answer.startswith(b"-ERR"), (point, answer)
            except (poplib.error_proto, OSError):
                pass
            assert len(uids(imap_of(suite))) == (1 if is_done else 3), point


def test_killed_while_pages_go_back_to_the_disk():
    need_hooks()
    room = os.statvfs(tempfile.gettempdir())
    # tight, but not full
    reserve = room.f_bavail * room.f_frsize // 2
    with Suite("--set", f"limits.reserve={reserve}", "--set", "keep.expunged=0",
               profile="lab", env={"POSTROOM_CRASH": "store.vacuum:3"}) as suite:
        victim = wait_for("mailboxd", lambda: suite.pids("mailboxd"))[0]
        big = message("big", body="x" * 70 + "\n") + b"filler line\r\n" * 20000
        for _ in range(12):
            suite.send("bob@example.test", USER, big)
        client = imap_of(suite)
        client.store("1:*", "+FLAGS.SILENT", "(\\Deleted)")
        client.expunge()

        def is_taken():
            try:    # the kill may come in its midst
                suite.send("bob@example.test", USER, message("kept"))
                return True
            except smtplib.SMTPException:
                return False
        wait_for("the last message", is_taken)
        wait_for("a kill and a start", lambda: [p for p in suite.pids("mailboxd") if p != victim])

        def answers():
            try:
                return "sound" in suite.command("check")[1]
            except AssertionError:
                return False
        wait_for("a sound store", answers)

        def is_served():
            try:    # it may be killed once more meanwhile
                return len(uids(imap_of(suite))) == 1
            except (imaplib.IMAP4.error, OSError):
                return False
        wait_for("the mail", is_served)


# ---- smtpd (P5, P6): the client sends again what it got no reply to

SMTPD = ("smtp.before_reply", "conn.replied")


def test_smtpd_killed_around_its_reply():
    need_hooks()
    for point in SMTPD:
        with Suite(profile="lab", env={"POSTROOM_CRASH": f"{point}:2"}) as suite:
            suite.send("bob@example.test", USER, message("first"))
            victim = suite.pids("smtpd")
            client = suite.smtp()
            try:
                client.sendmail("bob@example.test", [USER], message("second"))
                # the reply was on the wire: this client did not read it
            except (smtplib.SMTPException, OSError):
                pass
            client.close()
            wait_for("another smtpd", lambda: suite.pids("smtpd") and suite.pids("smtpd") != victim)
            suite.send("bob@example.test", USER, message("second"))
            assert len(uids(imap_of(suite))) == 2, point


# ---- every point has its test

def test_every_point_of_the_source_is_listed():
    found = set()
    for folder in ("common", "smtpd", "mailboxd", "popd", "imapd", "linkd"):
        for name in os.listdir(os.path.join(TOP, folder)):
            if name.endswith(".c"):
                with open(os.path.join(TOP, folder, name)) as file:
                    found |= set(re.findall(r'crash_point\("([^"]+)"\)', file.read()))
    listed = {*DELIVERY, *STORE, *MIGRATION, *CHANGES, *SMTPD, "store.vacuum"}
    assert found == listed, found ^ listed


# ---- a sync that fails is final (trust: durability, rule b)

def test_a_failed_sync_ends_mailboxd_and_loses_nothing():
    need_hooks()
    # making the accounts takes up to a dozen, more where a second passes meanwhile
    with Suite(profile="lab", env={"POSTROOM_FAIL_SYNC": "25"}) as suite:
        first = suite.pids("mailboxd")
        acknowledged = []
        for number in range(60):
            subject = f"sync {number}"
            try:
                suite.send("bob@example.test", USER, message(subject))
                acknowledged.append(subject)
            except smtplib.SMTPException as problem:
                code = getattr(problem, "smtp_code", 0) or list(problem.recipients.values())[0][0]
                assert code == 451, problem
        wait_for("another mailboxd", lambda: suite.pids("mailboxd") and suite.pids("mailboxd") != first)
        text = suite.log_text()
        assert "event=store.broken" in text
        assert re.search(r"mailboxd.*70", text), text[-2000:]
        client = imap_of(suite)
        found = [p[1].decode().strip() for p in client.fetch("1:*", "(BODY.PEEK[HEADER.FIELDS (SUBJECT)])")[1]
                 if isinstance(p, tuple)]
        found = [f.removeprefix("Subject: ") for f in found]
        assert len(acknowledged) > 10 and set(acknowledged) <= set(found), (acknowledged, found)
        assert len(found) == len(set(found)), sorted(found)


# ---- helpers

class scratch:
    """A directory for a with statement."""

    def __enter__(self):
        self.path = tempfile.mkdtemp(prefix="postroom-crash-")
        return self.path

    def __exit__(self, *_):
        shutil.rmtree(self.path)


def query(directory, sql):
    import sqlite3
    with sqlite3.connect(os.path.join(directory, "store", "store.db")) as db:
        return db.execute(sql).fetchone()[0]


def entries(directory):
    return query(directory, "SELECT count(*) FROM entry")


def check_file(directory):
    assert query(directory, "PRAGMA integrity_check") == "ok"
