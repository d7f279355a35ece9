"""Limits of mailboxes, names and keywords, at the limit and one beyond it, by IMAP; the last UID."""
import os
import smtplib
import sqlite3
import tempfile

from suite import Suite, message, wait_for

USER = "ann@example.test"


def refused(call, code):
    """The call is refused with that response code, and the connection lives."""
    status, data = call()
    assert status == "NO" and data[0].decode().startswith(f"[{code}]"), (status, data)


def accepted(call):
    status, data = call()
    assert status == "OK", (status, data)


def test_names_of_mailboxes():
    with Suite() as suite:
        imap = suite.imap(USER)
        accepted(lambda: imap.create("x" * 255))
        refused(lambda: imap.create("x" * 256), "CANNOT")
        # octets count, not characters: 128 of two octets, in modified UTF-7
        refused(lambda: imap.create("&" + "AOkA6QDpAOkA6QDpAOkA6QDpAOkA6QDpAOkA6QDpAOkA6QDp" * 8 + "-"), "CANNOT")
        whole = "/".join(["y" * 249] * 4)
        assert len(whole) == 999
        accepted(lambda: imap.create(whole + "y"))
        refused(lambda: imap.create(whole + "yy"), "CANNOT")
        accepted(lambda: imap.create("/".join("z" * 32)))
        refused(lambda: imap.create("/".join("z" * 33)), "CANNOT")
        # what a rename makes of those below counts as well
        refused(lambda: imap.rename("z", "z2/z3"), "CANNOT")
        refused(lambda: imap.rename("y" * 249, "x" * 252), "CANNOT")
        accepted(lambda: imap.rename("z/z", "z2/z3"))
        imap.logout()


def test_number_of_mailboxes():
    with Suite() as suite:
        imap = suite.imap(USER)
        there = len(imap.list()[1])
        sock = imap.socket()
        for start in range(there, 10000, 200):
            names = range(start, min(start + 200, 10000))
            sock.sendall(b"".join(b"m%d CREATE box%d\r\n" % (n, n) for n in names))
            for n in names:
                line = imap.readline()
                assert line.startswith(b"m%d OK" % n), line
        refused(lambda: imap.create("one-more"), "LIMIT")
        refused(lambda: imap.create("box9999/below"), "LIMIT")
        # INBOX's rename makes one
        refused(lambda: imap.rename("INBOX", "old"), "LIMIT")
        accepted(lambda: imap.rename("box9999", "another"))
        accepted(lambda: imap.delete("another"))
        accepted(lambda: imap.create("one-more"))
        refused(lambda: imap.create("two-more"), "LIMIT")
        # another account is not concerned, and mail comes in
        other = suite.imap("bob@example.test")
        accepted(lambda: other.create("mine"))
        suite.send("x@sender.example", USER, message("still"))
        assert len(imap.list()[1]) == 10000
        imap.logout()


def words(first, count):
    return "(" + " ".join(f"word{n}" for n in range(first, first + count)) + ")"


def test_keywords():
    with Suite() as suite:
        for number in range(10):
            suite.send("x@sender.example", USER, message(f"number {number}"))
        imap = suite.imap(USER)
        imap.select("INBOX")
        accepted(lambda: imap.store("10", "+FLAGS", "(" + "k" * 64 + ")"))
        refused(lambda: imap.store("10", "+FLAGS", "(" + "k" * 65 + ")"), "LIMIT")
        accepted(lambda: imap.store("10", "FLAGS", "()"))
        # 64 of a message, by STORE at once, one more, and by APPEND
        accepted(lambda: imap.store("1", "+FLAGS", words(0, 64)))
        accepted(lambda: imap.store("1", "+FLAGS", words(0, 64)))
        refused(lambda: imap.store("1", "+FLAGS", "(word64)"), "LIMIT")
        refused(lambda: imap.store("2", "FLAGS", words(0, 65)), "LIMIT")
        accepted(lambda: imap.append("INBOX", words(0, 64), None, b"A: b\r\n\r\nx"))
        refused(lambda: imap.append("INBOX", words(0, 65), None, b"A: b\r\n\r\nx"), "LIMIT")
        # 512 of a mailbox; "k" x 64 is one of them
        for number in range(1, 8):
            count = 64 if number < 7 else 63
            accepted(lambda: imap.store(str(number + 1), "+FLAGS", words(64 * number, count)))
        refused(lambda: imap.store("9", "+FLAGS", "(beyond)"), "LIMIT")
        refused(lambda: imap.append("INBOX", "(beyond)", None, b"A: b\r\n\r\nx"), "LIMIT")
        accepted(lambda: imap.store("9", "+FLAGS", "(word0 word100 word510)"))
        imap.untagged_responses.clear()
        imap.select("INBOX")
        permanent = imap.untagged_responses["PERMANENTFLAGS"][-1]
        # and says that there is no room
        assert b" word510" in permanent and rb"\*" not in permanent, permanent[-300:]
        # another mailbox has its own
        refused(lambda: imap.copy("1:9", "Nowhere"), "TRYCREATE")
        accepted(lambda: imap.create("Other"))
        accepted(lambda: imap.copy("1:9", "Other"))
        accepted(lambda: imap.select("Archive"))
        imap.logout()


def test_the_last_uid():
    with tempfile.TemporaryDirectory(prefix="postroom-limits-") as work:
        lab, bob = os.path.join(work, "lab"), "bob@example.test"
        with Suite(profile="lab", directory=lab) as suite:
            suite.send(USER, bob, message("first"))
        with sqlite3.connect(os.path.join(lab, "store", "store.db")) as db:
            db.execute("UPDATE mailbox SET uidnext = 4294967294 WHERE messages > 0")
        db.close()
        with Suite(profile="lab", directory=lab) as suite:
            suite.send(USER, bob, message("last"))
            imap = suite.imap(bob)
            imap.select("INBOX")
            validity = imap.response("UIDVALIDITY")[1][0]
            assert imap.uid("SEARCH", "ALL")[1][0] == b"1 4294967294"
            status, data = imap.append("INBOX", None, None, b"Subject: beyond\r\n\r\nx")
            assert status == "NO" and b"[LIMIT]" in data[0], data

            # the mailbox is made anew by itself; until then mail is to come again
            def again():
                try:
                    suite.send(USER, bob, message("beyond"))
                    return True
                except (smtplib.SMTPDataError, smtplib.SMTPRecipientsRefused, smtplib.SMTPSenderRefused):
                    return False
            wait_for("mail is taken again", again)
            other = suite.imap(bob)
            assert other.select("INBOX")[1] == [b"3"]
            assert int(other.response("UIDVALIDITY")[1][0]) > int(validity)
            assert other.uid("SEARCH", "ALL")[1][0] == b"1 2 3"
            assert other.append("INBOX", None, None, b"Subject: x\r\n\r\nx")[0] == "OK"
            other.logout()
            assert "sound" in suite.command("check")[1]
