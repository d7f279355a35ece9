"""The service connection: what mailboxd knows of the sessions of other daemons,
and how it ends them."""
import json
import os
import re
import signal

from suite import Suite, message, wait_for


def sessions(suite, *who):
    return json.loads(suite.command("who", *who, "--json")[1])


def submission(suite, user, password="secret"):
    client = suite.smtp("submission")
    client.login(user, password)
    return client


def test_who_shows_smtp_sessions():
    with Suite(profile="lab") as suite:
        plain = suite.smtp()
        ann = submission(suite, "ann@example.test")
        imap = suite.imap("bob@example.test")
        before = suite.imap()
        rows = wait_for("four sessions", lambda: (lambda r: r if len(r) == 4 else None)(sessions(suite)))
        assert sorted((row["user"], row["service"]) for row in rows) == [
            ("", "imap"), ("", "smtp"), ("ann@example.test", "smtp"), ("bob@example.test", "imap")], rows
        assert all(row["client"] == "127.0.0.1" for row in rows), rows
        (row,) = sessions(suite, "ann@example.test")
        suite.command("kick", row["sid"])
        code, text = ann.getreply()
        assert code == 421 and text.startswith(b"4.7.0"), (code, text)
        plain.quit()
        before.logout()
        imap.logout()
        wait_for("no session", lambda: not sessions(suite))
        for figure in (r"smtpd\.sessions\s+2\b", r"imapd\.logins\s+1\b"):
            wait_for(figure, lambda: re.search(figure, suite.command("status")[1]))


def test_disabled_account_loses_its_smtp_session():
    with Suite(profile="lab") as suite:
        ann, bob = submission(suite, "ann@example.test"), submission(suite, "bob@example.test")
        ann.mail("ann@example.test")
        suite.command("user", "disable", "ann@example.test")
        code, text = ann.getreply()
        assert code == 421 and text.startswith(b"4.7.0"), (code, text)
        assert bob.noop()[0] == 250
        suite.command("user", "rm", "bob@example.test")
        code, text = bob.getreply()
        assert code == 421, (code, text)


def test_sessions_are_told_anew():
    """mailboxd dies: the sessions that smtpd serves are known to the next one, and
    can still be ended."""
    with Suite(profile="lab") as suite:
        ann = submission(suite, "ann@example.test")
        wait_for("the session", lambda: sessions(suite, "ann@example.test"))
        (old,) = suite.pids("mailboxd")
        os.kill(old, signal.SIGKILL)
        wait_for("mailboxd again", lambda: [p for p in suite.pids("mailboxd") if p != old])

        def known():
            status, text = suite.command("who", "ann@example.test", "--json", check=False)
            return status == 0 and json.loads(text)

        wait_for("the session again", known)
        suite.command("user", "disable", "ann@example.test")
        code, text = ann.getreply()
        assert code == 421, (code, text)
        suite.command("user", "enable", "ann@example.test")
        suite.send("ann@example.test", "bob@example.test", message("after"))
