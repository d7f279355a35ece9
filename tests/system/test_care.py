"""Backup, restore, undelete, check: what makes an administrator trust the store."""
import json
import os
import re
import shutil
import signal
import sqlite3
import subprocess
import tempfile
import threading
import time

from suite import PATIENCE, POSTROOM, TOP, Suite, message, run, wait_for

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


def mail_of(suite, user, box="INBOX"):
    """Octets, flags and date of each message, and the UIDVALIDITY."""
    client = suite.imap(user)
    count = int(client.select(box, readonly=True)[1][0])
    validity = client.response("UIDVALIDITY")[1][0]
    found = []
    for number in range(1, count + 1):
        answer = client.fetch(str(number), "(FLAGS INTERNALDATE EMAILID BODY.PEEK[])")[1]
        head = (answer[0][0] + answer[-1]).decode()
        flags = sorted(f for f in head.split("FLAGS (")[1].split(")")[0].split() if f != "\\Recent")
        found.append((answer[0][1], flags, head.split('INTERNALDATE "')[1][:26],
                      head.split("EMAILID (")[1].split(")")[0]))
    client.logout()
    return found, validity


def test_restore_whole():
    with tempfile.TemporaryDirectory() as place:
        lab, copy = os.path.join(place, "lab"), os.path.join(place, "copy.db")
        with Suite(profile="lab", directory=lab) as suite:
            for number in range(3):
                suite.send(ANN, BOB, message(f"kept{number}"))
            client = suite.imap(BOB)
            client.select("INBOX")
            client.store("2", "+FLAGS", r"(\Seen work)")
            before = mail_of(suite, BOB)
            suite.command("backup", copy)
            suite.send(ANN, BOB, message("after"))
            lost = rows(suite, "msg", "list", BOB)[-1]
            status, text = suite.command("restore", copy, check=False)
            assert status == 75 and "postroom stop" in text, (status, text)
        for name, octets in (("text", b"x" * 5000), ("sqlite", None), ("short", None), ("newer", None)):
            bad = os.path.join(place, name)
            if octets is not None:
                open(bad, "wb").write(octets)
            elif name == "sqlite":
                sqlite3.connect(bad).execute("CREATE TABLE t (x)").connection.close()
            else:
                whole = bytearray(open(copy, "rb").read())
                if name == "newer":
                    whole[60:64] = (99).to_bytes(4, "big")
                open(bad, "wb").write(whole[:-8192] if name == "short" else whole)
            status, text = run(POSTROOM, "restore", bad, "--dir", lab, check=False)
            part = {"short": "cut short", "newer": "newer version"}.get(name, "no backup")
            assert status == 65 and part in text, (name, status, text)
        text = run(POSTROOM, "restore", copy, "--dir", lab)[1]
        assert "3 messages" in text and "before-restore-" in text, text
        kept = [n for n in os.listdir(os.path.join(lab, "store")) if "before-restore" in n]
        assert len(kept) == 1 and sound(os.path.join(lab, "store", kept[0])) == ["ok"], kept
        assert "after" in subjects_in(os.path.join(lab, "store", kept[0]))
        assert "sound" in run(POSTROOM, "check", "--dir", lab)[1]
        with Suite(profile="lab", directory=lab) as suite:
            after = mail_of(suite, BOB)
            assert after[0] == before[0] and int(after[1]) > int(before[1]), (before, after)
            suite.send(ANN, BOB, message("new"))
            assert int(rows(suite, "msg", "list", BOB)[-1]["id"]) > int(lost["id"])
            validities = [row["uidvalidity"] for row in rows(suite, "mailbox", "list", BOB)]
            assert len(set(validities)) == len(validities), validities
            assert "sound" in suite.command("check")[1]


def test_restore_of_one_account():
    with Suite(profile="lab") as suite, tempfile.TemporaryDirectory() as place:
        copy = os.path.join(place, "copy.db")
        for number in range(5):
            suite.send(ANN, BOB, message(f"kept{number}"))
        client = suite.imap(BOB)
        client.create("Work")
        client.select("INBOX")
        client.store("2", "+FLAGS", r"(\Seen work)")
        client.copy("1:2", "Work")
        before = mail_of(suite, BOB)[0]
        suite.command("backup", copy)
        suite.command("msg", "rm", BOB, "INBOX", "2", "4")
        client.delete("Work")
        suite.send(ANN, BOB, message("later"))
        summary = json.loads(suite.command("restore", copy, "--account", BOB, "--json")[1])
        # 1, 3 and 5 are there; 1 of Work is in INBOX, so Work gets 2 only
        assert (summary["stored"], summary["present"], summary["failed"]) == (3, 4, 0), summary
        after = mail_of(suite, BOB)[0]
        assert [m for m in after if "later" not in m[0].decode()] == [
            before[0], before[2], before[4], before[1], before[3]], after
        again = json.loads(suite.command("restore", copy, "--account", BOB, "--json")[1])
        assert (again["stored"], again["present"]) == (0, 7), again
        text = suite.command("restore", copy, "--account", BOB, "--mailbox", "Work", "--into", "Old")[1]
        assert "2 messages stored" in text, text
        assert [m[1:] for m in mail_of(suite, BOB, "Old")[0]] == [m[1:] for m in before[:2]]
        for argv, code, part in ((("--account", "nobody@example.test"), 67, "not in the backup"),
                                 (("--account", BOB, "--mailbox", "None"), 67, "no mailbox None"),
                                 (("--into", "X"), 64, "--account")):
            status, text = suite.command("restore", copy, *argv, check=False)
            assert status == code and part in text, (argv, status, text)
        store = os.listdir(os.path.join(suite.dir, "store"))
        assert not [name for name in store if name.startswith("restore-")], store
        assert "sound" in suite.command("check")[1]
        # what is gone for good comes back with its number, and the quota is told
        suite.command("user", "quota", BOB, "none", "1")
        suite.command("mailbox", "rm", BOB, "Old")
        status, text = suite.command("restore", copy, "--account", BOB, "--mailbox", "Work",
                                     "--into", "Third", "--json", check=False)
        assert status == 65 and "no room" in text, (status, text)


DAMAGE = [
    ("UPDATE mailbox SET messages = messages + 3 WHERE name = 'INBOX' AND messages > 0", "messages are counted", True),
    ("UPDATE mailbox SET unseen = 0 WHERE messages > 0", "unseen are counted", True),
    ("UPDATE mailbox SET octets = 1 WHERE messages > 0", "octets are counted", True),
    ("UPDATE mailbox SET deleted = 7 WHERE messages > 0", "deleted are counted", True),
    ("UPDATE mailbox SET uidnext = 2 WHERE messages > 0", "uidnext is 2", True),
    ("UPDATE mailbox SET highestmodseq = 1 WHERE messages > 0", "beyond its highest", True),
    ("UPDATE account SET used_octets = 5", "account 2: ", True),
    ("UPDATE message_ref SET count = 9 WHERE message = 1", "9 references are counted, there are 1", True),
    ("DELETE FROM message_ref WHERE message = 1", "0 references are counted, there are 1", True),
    ("INSERT INTO message_ref VALUES (77, 1)", "there are 0", True),
    ("INSERT INTO garbage VALUES (1)", "to be removed, and referred to", True),
    ("DELETE FROM entry WHERE message = 1; DELETE FROM message_ref WHERE message = 1", "nobody refers to it", True),
    ("DELETE FROM message WHERE id = 1", "no message 1", False),
    ("UPDATE body SET octets = zeroblob(3) WHERE id = 65536", "its body has 3 of", False),
    ("UPDATE body SET id = id + 1 WHERE id = 65536", "not in its place", False),
    ("DELETE FROM body WHERE id = 65536", "bob@example.test INBOX uid 1", False),
    ("INSERT INTO body (id, octets) VALUES (99 << 16, x'00')", "there is no such message", True),
    ("INSERT INTO unfinished VALUES (1)", "unfinished, and whole", True),
    ("UPDATE message SET header_size = size + 1 WHERE id = 1", "header has more octets", False),
    ("UPDATE meta SET value = 1 WHERE key = 'message_next'", "not given out yet", False),
    ("INSERT INTO expunged (mailbox, uid, at, account, message, flags, size, recipient)"
     " VALUES (1, 900, 1, 1, 88, 0, 0, 0)", "it is kept, but there is no message 88", True),
    ("INSERT INTO expunged (mailbox, uid, at, account, message, flags, size, recipient)"
     " SELECT mailbox, uid, 1, 1, message, 0, 0, 0 FROM entry LIMIT 1", "both there and expunged", False),
    ("UPDATE entry SET size = size + 1 WHERE uid = 1", "its size is not that", False),
    ("UPDATE entry SET recipient = 55 WHERE uid = 1", "no recipient 55", False),
    ("UPDATE entry SET flags = flags | (9 << 32) WHERE uid = 1", "its keywords are gone", False),
    ("UPDATE entry SET flags = flags | 64 WHERE uid = 1", "flags that do not exist", False),
    ("INSERT INTO vanished SELECT mailbox, 5, uid, uid FROM entry LIMIT 1", "a tombstone of a message that is there", False),
    ("INSERT INTO vanished SELECT mailbox, 5, 500, 600 FROM entry LIMIT 1", "never given", False),
    ("INSERT INTO vanished SELECT mailbox, 1 << 50, 1000, 1 FROM entry LIMIT 1", "beyond its highest modseq", False),
    ("UPDATE entry SET mailbox = 999 WHERE uid = 1", "of a mailbox that is gone", False),
    ("UPDATE mailbox SET owner = 99 WHERE name = 'Drafts' AND owner = 1", "its owner is gone", False),
    ("UPDATE mailbox SET name = 'X' WHERE name = 'INBOX'", "it has no INBOX", False),
    ("UPDATE mailbox SET special_use = '\\Sent'", "mailboxes for \\Sent", False),
    ("UPDATE mailbox SET uidvalidity = 4294967295 WHERE id = 1", "not given yet", False),
    ("UPDATE mailbox SET uidvalidity = (SELECT uidvalidity FROM mailbox WHERE id = 2) WHERE id = 1", "that another has", False),
    ("INSERT INTO keyword_set VALUES (999, 1, 'a')", "keywords 1 of mailbox 999", True),
    ("INSERT INTO keyword_set VALUES (1, 7, '')", "no words", False),
    ("INSERT INTO mailbox_gone VALUES (500, 1, 'x', '', 1)", "nothing of it is kept", True),
    ("UPDATE account SET domain = 9", "its domain is gone", False),
    ("UPDATE credential SET account = 99 WHERE id = 1", "password 1", True),
    ("INSERT INTO subscription VALUES (99, 'x')", "subscription of account 99", True),
    ("INSERT INTO first_read VALUES (99, 1, 1)", "message 99: read by", True),
    ("UPDATE journal SET verb = ''", "no verb", False),
    ("UPDATE journal SET mailbox = 12345 WHERE mailbox IS NOT NULL", "never was", False),
]


def test_each_damage_is_named():
    """On copies, with SQL; what can be repaired is, and nothing else is touched."""
    with tempfile.TemporaryDirectory() as place:
        lab = os.path.join(place, "lab")
        with Suite(profile="lab", directory=lab) as suite:
            for number in range(3):
                suite.send(ANN, BOB, message(f"m{number}"))
        store = os.path.join(lab, "store")
        good = os.path.join(place, "good.db")
        # an orderly end leaves one file that is the store
        assert "store.db-wal" not in os.listdir(store), os.listdir(store)
        shutil.copy(os.path.join(store, "store.db"), good)
        assert "sound" in run(POSTROOM, "check", "--dir", lab)[1]
        wrong = []
        for sql, words, repairs in DAMAGE:
            shutil.copy(good, os.path.join(store, "store.db"))
            with sqlite3.connect(os.path.join(store, "store.db")) as db:
                db.executescript(sql)
            db.close()
            status, text = run(POSTROOM, "check", "--dir", lab, check=False)
            if status != 65 or words not in text:
                wrong.append((sql, status, text))
            status, text = run(POSTROOM, "check", "--repair", "--dir", lab, check=False)
            if "before-repair-" not in text or (status == 0) != repairs:
                wrong.append((sql, status, text))
            for name in os.listdir(store):
                if "before-repair" in name:
                    os.remove(os.path.join(store, name))
        assert not wrong, "\n".join(map(str, wrong))
        # a b-tree that is damaged is not repaired
        whole = bytearray(open(good, "rb").read())
        for page in range(2, len(whole) // 4096, 3):
            whole[page * 4096:page * 4096 + 64] = b"\xff" * 64
        open(os.path.join(store, "store.db"), "wb").write(whole)
        status, text = run(POSTROOM, "check", "--repair", "--dir", lab, check=False)
        assert status != 0 and "before-repair" not in text, (status, text)


def test_repair_of_the_running_store():
    with tempfile.TemporaryDirectory() as place:
        lab = os.path.join(place, "lab")
        with Suite(profile="lab", directory=lab) as suite:
            for number in range(3):
                suite.send(ANN, BOB, message(f"m{number}"))
        with sqlite3.connect(os.path.join(lab, "store", "store.db")) as db:
            db.executescript("UPDATE mailbox SET messages = 50 WHERE messages > 0;"
                             "UPDATE account SET used_octets = 5; INSERT INTO keyword_set VALUES (999, 1, 'a');")
        db.close()
        with Suite(profile="lab", directory=lab) as suite:
            suite.imap(BOB).select("INBOX")
            text = suite.command("check", "--repair", check=False)[1]
            assert "before-repair-" in text and text.rstrip().endswith("nothing"), text
            suite.send(ANN, BOB, message("more"))
            assert "sound" in suite.command("check")[1]
            (row,) = [r for r in rows(suite, "user", "list") if r["user"] == BOB]
            assert row["messages"] == 4, row


def test_views_answer_as_documented():
    """The lines of doc/store.md, to the letter, on a backup."""
    with open(os.path.join(TOP, "doc", "store.md")) as file:
        lines = re.findall(r'^sqlite3 copy\.db "(.+?)" ', file.read(), re.MULTILINE)
    assert len(lines) == 3, lines
    with Suite(profile="lab") as suite, tempfile.TemporaryDirectory() as place:
        suite.send(ANN, BOB, message("small", sender="little@example.org"))
        suite.send(ANN, BOB, message("large", sender="Big Name <Big@Example.org>", body=LARGE[:9000]))
        suite.send(ANN, ANN, message("other"))
        client = suite.imap(BOB)
        client.select("INBOX")
        client.store("1", "+FLAGS", r"(\Seen \Deleted)")
        client.expunge()
        suite.send(ANN, BOB, message("again", sender="little@example.org"))
        suite.command("backup", os.path.join(place, "copy.db"))
        senders, unread, deleted = (run("sqlite3", os.path.join(place, "copy.db"), sql)[1].splitlines()
                                    for sql in lines)
        assert [line.split("|")[0] for line in senders] == [
            "big@example.org", "little@example.org", ANN], senders
        assert int(senders[0].split("|")[1]) > 9000, senders
        assert unread == [f"{ANN}|1", f"{BOB}|2"], unread
        (line,) = deleted
        at, account, box, uids, sid = line.split("|")
        assert (account, box, uids) == (BOB, "INBOX", "1") and sid.startswith("s") and "T" in at, line
