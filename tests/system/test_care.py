"""Backup, restore, undelete, check: what makes an administrator trust the store."""
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import tempfile
import threading
import time

from suite import PATIENCE, POSTROOM, SANITIZED, Suite, message, run, wait_for

LARGE = ("y" * 70 + "\n") * 13_000
ANN, BOB = "ann@example.test", "bob@example.test"


def rows(suite, *args):
    return json.loads(suite.command(*args, "--json")[1])


def sound(path):
    """What SQLite says of a store, opened as anybody would."""
    with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as db:
        return [row[0] for row in db.execute("PRAGMA integrity_check")]


def subjects_in(path):
    with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as db:
        return {row[0].strip("<>").split("@")[0]
                for row in db.execute("SELECT message_id FROM v_message")}


class Flow:
    """Mail on its way in all the time; who was told 250 is remembered."""

    def __init__(self, suite):
        self.suite, self.told, self.ending = suite, [], False
        self.thread = threading.Thread(target=self._run)
        self.thread.start()

    def _run(self):
        number = 0
        while not self.ending:
            subject = f"flow{number}"
            number += 1
            try:
                self.suite.send(ANN, BOB, message(subject, body="x" * 3000 + "\n"))
                self.told.append(subject)
            except (OSError, AssertionError, EOFError, __import__("smtplib").SMTPException):
                time.sleep(0.05)

    def end(self):
        self.ending = True
        self.thread.join(PATIENCE)


def test_backup_while_mail_flows():
    with Suite(profile="lab") as suite, tempfile.TemporaryDirectory() as place:
        path = os.path.join(place, "copy.db")
        flow = Flow(suite)
        try:
            for number in range(4):
                wait_for("mail", lambda: len(flow.told) > 10 * (number + 1))
                before = set(flow.told)
                text = suite.command("backup", path, "--force")[1]
                assert f"{os.path.getsize(path)} octets" in text, text
                assert os.listdir(place) == ["copy.db"], os.listdir(place)
                assert sound(path) == ["ok"]
                assert before <= subjects_in(path), before - subjects_in(path)
                # the killed one leaves nothing that stands in the way
                (old,) = suite.pids("mailboxd")
                os.kill(old, signal.SIGKILL)
                wait_for("mailboxd again", lambda: [p for p in suite.pids("mailboxd") if p != old])
                wait_for("an answer", lambda: suite.command("user", "list", check=False)[0] == 0)
        finally:
            flow.end()
        assert os.stat(path).st_mode & 0o777 == 0o600
        store = os.listdir(os.path.join(suite.dir, "store"))
        assert not [name for name in store if name.startswith("copy-")], store


def test_backup_to_standard_output_and_refusals():
    with Suite(profile="lab") as suite, tempfile.TemporaryDirectory() as place:
        path = os.path.join(place, "copy.db")
        suite.send(ANN, BOB, message("one"))
        with open(path, "wb") as file:
            subprocess.run([POSTROOM, "backup", "-", "--dir", suite.dir], stdout=file,
                           stderr=subprocess.PIPE, check=True, timeout=PATIENCE)
        assert sound(path) == ["ok"] and subjects_in(path) == {"one"}
        status, text = suite.command("backup", path, check=False)
        assert status == 73 and "--force" in text, (status, text)
        status, text = suite.command("backup", os.path.join(place, "none", "x"), check=False)
        assert status == 73 and "none" in text, (status, text)
        assert os.listdir(place) == ["copy.db"]


def test_backup_on_a_full_disk_leaves_nothing():
    """/dev/full takes nothing; a small file system, where one can be made, is full."""
    with Suite(profile="lab") as suite, tempfile.TemporaryDirectory() as place:
        suite.send(ANN, BOB, message("large", body=LARGE))
        with open("/dev/full", "wb") as full:
            done = subprocess.run([POSTROOM, "backup", "-", "--dir", suite.dir], stdout=full,
                                  stderr=subprocess.PIPE, timeout=PATIENCE)
        assert done.returncode == 74 and b"No space left" in done.stderr, done
        # a file may have so much only: the same call fails as on a full disk
        script = f'ulimit -f 300; trap "" XFSZ; exec "$0" backup "$1" --dir "$2"'
        done = subprocess.run(["bash", "-c", script, POSTROOM, os.path.join(place, "x"), suite.dir],
                              stderr=subprocess.PIPE, timeout=PATIENCE)
        assert done.returncode == 74 and b"too large" in done.stderr, done
        assert os.listdir(place) == []
        assert "sound" in suite.command("check")[1]


def test_backup_that_is_interrupted_leaves_nothing():
    with Suite(profile="lab") as suite, tempfile.TemporaryDirectory() as place:
        for number in range(8):
            suite.send(ANN, BOB, message(f"large{number}", body=LARGE))
        process = subprocess.Popen([POSTROOM, "backup", os.path.join(place, "x"), "--dir", suite.dir])
        time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        process.wait(PATIENCE)
        assert process.returncode in (130, 0), process.returncode
        assert "x.tmp" not in os.listdir(place), os.listdir(place)
        assert "sound" in suite.command("check")[1]


def test_long_tables_come_whole():
    """More rows than the first credit of a request pays for."""
    with Suite(profile="lab") as suite:
        with suite.smtp() as client:
            for number in range(1200):
                client.sendmail(ANN, [BOB], message(f"a subject of some length {number}"))
        assert len(rows(suite, "msg", "list", BOB)) == 1200


def test_undelete():
    """What a client expunged, and a mailbox that it deleted, come back."""
    with Suite(profile="lab") as suite:
        for number in range(4):
            suite.send(ANN, BOB, message(f"kept{number}"))
        client = suite.imap(BOB)
        client.create("Work")
        client.select("INBOX")
        client.store("2", "+FLAGS", r"(\Seen $Label)")
        client.copy("2:3", "Work")
        client.store("1:3", "+FLAGS", r"(\Deleted)")
        client.expunge()
        client.delete("Work")
        kept = rows(suite, "msg", "list", BOB, "--expunged")
        assert [(r["mailbox"], r["uid"], r["gone"], r["flags"], r["keywords"]) for r in kept] == [
            ("INBOX", 1, "no", "deleted", ""), ("INBOX", 2, "no", "seen,deleted", "$Label"),
            ("INBOX", 3, "no", "deleted", ""), ("Work", 1, "yes", "seen", "$Label"),
            ("Work", 2, "yes", "", "")], kept
        assert len(rows(suite, "msg", "list", BOB, "Work", "--expunged")) == 2
        status, text = suite.command("msg", "undelete", BOB, "INBOX", check=False)
        assert status == 64 and "--all" in text, (status, text)
        assert "UIDs 5 to 5" in suite.command("msg", "undelete", BOB, "INBOX", "2")[1]
        assert "Work: 2 back" in suite.command("msg", "undelete", BOB, "--since", "1h", "Work")[1]
        assert client.select("INBOX")[1] == [b"2"]
        status, (text,) = client.fetch("2", "(FLAGS)")
        assert b"$Label" in text and b"Deleted" not in text and b"Seen" in text, text
        client.select("Work")
        status, (first, second) = client.fetch("1:2", "(FLAGS)")
        assert b"$Label" in first, first
        assert "INBOX: 2 back" in suite.command("msg", "undelete", BOB, "--all", "--into", "INBOX")[1]
        status, text = suite.command("msg", "undelete", BOB, "--all", check=False)
        assert status == 67 and "nothing" in text, (status, text)
        assert rows(suite, "msg", "list", BOB, "--expunged") == []
        assert "sound" in suite.command("check")[1]


def test_keep_expunged_is_obeyed():
    with Suite("--set", "keep.expunged=0", profile="lab") as suite:
        suite.send(ANN, BOB, message("gone"))
        suite.command("msg", "rm", BOB, "INBOX", "1")
        wait_for("it to go", lambda: (suite.send(ANN, BOB, message("more")),
                                      rows(suite, "msg", "list", BOB, "--expunged") == [])[1])
        status, text = suite.command("msg", "undelete", BOB, "--all", check=False)
        assert status == 67, (status, text)
