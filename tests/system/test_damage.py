"""Pages of the stopped store's file are damaged: what is lost, what is served, and who is told."""
import imaplib
import os
import poplib
import smtplib
import sqlite3
import tempfile

from suite import Suite, message, wait_for

ANN, BOB = "ann@example.test", "bob@example.test"
PAGE = 4096


def damage(lab, table, number):
    """Every octet of the table's leaf page of that number becomes another."""
    path = os.path.join(lab, "store", "store.db")
    assert not os.path.exists(path + "-wal"), "the suite did not end in order"
    with sqlite3.connect(path) as db:
        pages = [page for (page,) in db.execute(
            "SELECT pageno FROM dbstat WHERE name = ? AND pagetype = 'leaf' ORDER BY path", (table,))]
    db.close()
    with open(path, "r+b") as file:
        file.seek((pages[number] - 1) * PAGE)
        octets = file.read(PAGE)
        file.seek((pages[number] - 1) * PAGE)
        file.write(bytes(octet ^ 0x5a for octet in octets))


def state(suite):
    rows = [line.split(None, 1) for line in suite.command("status")[1].splitlines()]
    return next(row[1].strip() for row in rows if row and row[0] == "store-state")


def fetch_one(imap, number):
    """The message, or the words of the refusal."""
    status, data = imap.fetch(str(number), "(BODY.PEEK[])")
    return data[0][1] if status == "OK" else data[0].decode()


def test_damaged_bodies_are_lost_alone():
    with tempfile.TemporaryDirectory(prefix="postroom-damage-") as work:
        lab = os.path.join(work, "lab")
        with Suite(profile="lab", directory=lab) as suite:
            for number in range(12):
                suite.send(ANN, BOB, message(f"number {number}", body="0123456789abcdef\n" * 100))
        damage(lab, "body", 2)
        with Suite(profile="lab", directory=lab) as suite:
            imap = suite.imap(BOB)
            assert imap.select("INBOX")[0] == "OK"
            answers = {number: fetch_one(imap, number) for number in range(1, 13)}
            lost = [number for number, answer in answers.items() if not isinstance(answer, bytes)]
            assert 1 <= len(lost) <= 4, lost
            for number in lost:
                assert answers[number].startswith("[SERVERBUG]"), answers[number]
            for number in set(answers) - set(lost):
                assert b"0123456789abcdef\r\n" * 100 in answers[number], number
            # all at once: those that can be read, then the refusal; flags of all
            status, data = imap.fetch("1:*", "(BODY.PEEK[])")
            assert status == "NO" and b"[SERVERBUG]" in data[0], data
            whole = imap.untagged_responses.get("FETCH", [])
            assert sum(isinstance(item, tuple) for item in whole) == 12 - len(lost), len(whole)
            imap.untagged_responses.clear()
            status, data = imap.fetch("1:*", "(FLAGS ENVELOPE)")
            assert status == "OK" and len(data) == 12, data
            pop = suite.pop(BOB)
            for number in range(1, 13):
                try:
                    pop.retr(number)
                    assert number not in lost, number
                except poplib.error_proto as error:
                    assert number in lost and b"-ERR [SYS/PERM]" in error.args[0], (number, error)
            pop.quit()
            # mail is taken on, and what is damaged can be expunged
            suite.send(ANN, BOB, message("after"))
            assert imap.noop()[0] == "OK"
            assert imap.store(str(lost[0]), "+FLAGS", "(\\Deleted)")[0] == "OK"
            assert imap.expunge()[0] == "OK"
            imap.logout()
            assert state(suite) == "sound", state(suite)
            assert "event=store.unreadable" in suite.log_text()
            assert "event=store.damaged" not in suite.log_text()
            status, text = suite.command("check", check=False)
            assert status != 0 and "sound" not in text, text


def refused(call, *words):
    """The call is refused in these words."""
    status, data = call()
    assert status == "NO", (status, data)
    for word in words:
        assert word in data[0].decode(), data


def test_damaged_lists_end_writing_not_reading():
    with tempfile.TemporaryDirectory(prefix="postroom-damage-") as work:
        lab, backup = os.path.join(work, "lab"), os.path.join(work, "backup.db")
        with Suite(profile="lab", directory=lab) as suite:
            suite.send(BOB, ANN, message("to ann"))
            for number in range(3):
                suite.send(ANN, BOB, message(f"to bob {number}"))
            imap = suite.imap(ANN)
            imap.select("INBOX")
            for _ in range(9):  # 512 entries are more than one page
                assert imap.copy("1:*", "INBOX")[0] == "OK"
                imap.noop()
            imap.logout()
            suite.command("backup", backup)
        damage(lab, "entry", 0)
        with Suite(profile="lab", directory=lab) as suite:
            bob = suite.imap(BOB)
            assert bob.select("INBOX")[0] == "OK"
            before = suite.pop(BOB)
            # who has read it of the damaged mailbox is refused
            ann = suite.imap(ANN)
            refused(lambda: ann.select("INBOX"), "[UNAVAILABLE]")
            wait_for("the log names it", lambda: "event=store.damaged" in suite.log_text())
            assert state(suite).startswith("damaged, only read: the lists of mailboxes"), state(suite)
            # reads go on, for new sessions too
            assert isinstance(fetch_one(bob, 2), bytes)
            assert bob.search(None, "ALL")[1][0] == b"1 2 3"
            other = suite.imap(BOB)
            try:
                other.select("INBOX")
                raise AssertionError("SELECT was not READ-ONLY")
            except imaplib.IMAP4.readonly:
                assert other.select("INBOX", readonly=True)[0] == "OK"
            assert isinstance(fetch_one(other, 3), bytes)
            assert len(other.list()[1]) >= 6
            # writes are refused
            refused(lambda: bob.store("1", "+FLAGS", "(\\Seen)"), "[UNAVAILABLE]")
            refused(lambda: bob.copy("1", "Archive"), "[UNAVAILABLE]")
            refused(lambda: bob.append("Archive", None, None, b"A: b\r\n\r\nx"), "[UNAVAILABLE]")
            refused(lambda: bob.create("New"), "[UNAVAILABLE]")
            refused(lambda: ann.append("INBOX", None, None, b"A: b\r\n\r\nx"), "[UNAVAILABLE]")
            with suite.smtp() as client:
                client.ehlo()
                code, words = client.mail(BOB)
                if code == 250:
                    code, words = client.rcpt(ANN)
                assert code == 451 and b"4.3.0" in words, (code, words)
            before.retr(1)
            before.dele(1)
            try:
                before.quit()
                raise AssertionError("QUIT was answered +OK")
            except poplib.error_proto as error:
                assert b"-ERR [SYS/TEMP]" in error.args[0], error
            status, text = suite.command("user", "add", "new@example.test", "--password", "x", check=False)
            assert status != 0, text
            status, text = suite.command("check", check=False)
            assert status != 0 and "sound" not in text, text
            bob.logout()
            assert suite.log_text().count("event=store.damaged") == 1
            assert suite.log_text().count("event=store.batch_failed") <= 1
            pid = suite.pids("mailboxd")
            assert len(pid) == 1
        # never an automatic repair, and no crash at a start
        with Suite(profile="lab", directory=lab) as suite:
            ann, bob = suite.imap(ANN), suite.imap(BOB)
            refused(lambda: ann.select("INBOX"), "[UNAVAILABLE]")
            assert bob.select("INBOX", readonly=True)[1] == [b"3"]
        # restored, it is whole and written again
        from suite import POSTROOM, run
        run(POSTROOM, "restore", backup, "--dir", lab)
        with Suite(profile="lab", directory=lab) as suite:
            suite.send(BOB, ANN, message("after"))
            ann = suite.imap(ANN)
            assert ann.select("INBOX")[1] == [b"513"]
            ann.logout()
            assert state(suite) == "sound"


def test_an_unclean_end_is_followed_by_a_look():
    with tempfile.TemporaryDirectory(prefix="postroom-damage-") as work:
        lab = os.path.join(work, "lab")
        with Suite(profile="lab", directory=lab) as suite:
            for number in range(12):
                suite.send(ANN, BOB, message(f"number {number}", body="0123456789abcdef\n" * 100))
        damage(lab, "body", 2)
        # not after a clean end
        suite = Suite(profile="lab", directory=lab)
        assert state(suite) == "sound", state(suite)
        assert "event=store.survey" not in suite.log_text()
        suite.kill()
        with Suite(profile="lab", directory=lab) as suite:
            wait_for("its end", lambda: "event=store.survey" in suite.log_text())
            assert "event=store.survey status=ok findings=1 where=\"body: " in suite.log_text()
            assert state(suite).startswith("damaged: body: "), state(suite)
            # a body takes away its message alone: mail is taken
            suite.send(ANN, BOB, message("after"))
            assert suite.log_text().count("event=store.survey") == 1
        with Suite(profile="lab", directory=lab) as suite:
            assert state(suite) == "sound", state(suite)
            assert "event=store.survey" not in suite.log_text()
