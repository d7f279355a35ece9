"""A message's whole life over SMTP, IMAP and POP3, as `postroom trace` prints it."""
import json
import re

from suite import Suite, message, run, wait_for


def trace(suite, word):
    return json.loads(suite.command("trace", word, "--json")[1])


def short(row):
    return " ".join(x for x in (row["verb"], row["client"], row["user"], row["mailbox"],
                                row["uids"], row["detail"]) if x)


def play_a_life(suite):
    """Submitted by ann to bob and carol; gives its mid."""
    with suite.smtp("submission", local_hostname="laptop.example.net") as client:
        client.starttls(context=suite.tls_context())
        client.login("ann@example.test", "secret")
        client.sendmail("ann@example.test", ["bob@example.test", "carol@example.test"],
                        message("a life", to="bob@example.test"))
    pop = suite.pop("bob@example.test")
    text = b"\r\n".join(pop.retr(1)[1]).decode()
    pop.top(1, 0)
    pop.quit()
    imap = suite.imap("bob@example.test")
    imap.select()
    imap.fetch("1", "(BODY.PEEK[])")
    imap.store("1", "+FLAGS", r"(\Flagged $Forwarded)")
    imap.copy("1", "Archive")
    assert imap.uid("MOVE", "1", "Junk")[0] == "OK"
    imap.select("Junk")
    imap.store("1", "+FLAGS", r"(\Deleted)")
    imap.expunge()
    imap.logout()
    carol = suite.imap("carol@example.test")
    carol.select()
    carol.fetch("1", "(RFC822)")
    carol.logout()
    return re.search(r"\bid (m[0-9a-v]{20})", text).group(1)


def test_the_life_of_a_message():
    with Suite("--user", "ann@example.test:secret", "--user", "bob@example.test:secret",
               "--user", "carol@example.test:secret", profile="lab") as suite:
        mid = play_a_life(suite)
        rows = wait_for("all of it", lambda: (lambda r: r if len(r) == 10 else None)(trace(suite, mid)))
        life = [re.sub(r"octets=\d+", "octets=N", short(row)) for row in rows]
        life = [re.sub(r"tls=TLSv1\.[23]_\S+", "tls=T", line) for line in life]
        assert life == [
            "deliver smtp 127.0.0.1 bob@example.test INBOX 1 octets=N from=<ann@example.test> client=127.0.0.1 "
            "helo=laptop.example.net login=ann@example.test tls=T to=bob@example.test",
            "deliver carol@example.test INBOX 1 octets=N from=<ann@example.test> to=carol@example.test",
            # the second time, over IMAP, is no news
            "read pop3 127.0.0.1 bob@example.test INBOX 1",
            r"flags imap 127.0.0.1 bob@example.test INBOX 1 +\Flagged,$Forwarded",
            "copy imap 127.0.0.1 bob@example.test INBOX 1 to=Archive uids=1",
            "move imap 127.0.0.1 bob@example.test INBOX 1 to=Junk uids=1",
            r"flags imap 127.0.0.1 bob@example.test Junk 1 +\Deleted",
            "expunge imap 127.0.0.1 bob@example.test Junk 1",
            "read imap 127.0.0.1 carol@example.test INBOX 1",
            r"flags imap 127.0.0.1 carol@example.test INBOX 1 +\Seen",
        ], "\n".join(life)
        assert len({row["sid"] for row in rows}) == 4, rows
        # by its Message-ID the same, and of a user what is the user's
        assert trace(suite, "<a.life@client.example>") == rows
        carols = [short(row).split()[0] for row in trace(suite, "carol@example.test")]
        assert carols[-3:] == ["deliver", "read", "flags"], carols
        suite.command("user", "rm", "carol@example.test")
        assert trace(suite, mid)[-1]["verb"] in ("mailbox.delete", "flags"), trace(suite, mid)


def test_refused_mail_is_in_the_trace():
    with Suite(profile="lab") as suite:
        with suite.smtp(local_hostname="far.example.net") as client:
            client.ehlo()
            client.mail("spammer@far.example.net")
            assert client.rcpt("nobody@example.test")[0] == 550
            assert client.rcpt("someone@elsewhere.example")[0] == 550
            client.rset()
            client.mail("spammer@far.example.net")
            for _ in range(150):
                assert client.rcpt("again@example.test")[0] in (550, 421)

        def rows(word, count):
            def ask():
                status, text = suite.command("trace", word, "--json", check=False)
                found = json.loads(text) if status == 0 else []
                return found if len(found) >= count else None
            return wait_for(f"{count} rows of {word}", ask)

        (row,) = rows("Nobody@example.test", 1)
        assert row["verb"] == "refuse" and row["client"] == "smtp 127.0.0.1", row
        assert row["detail"] == ("550 5.1.1 No such mailbox from=<spammer@far.example.net> "
                                 "to=<nobody@example.test> helo=far.example.net"), row
        # 100 a minute of one client; the rest is a number when the minute is over
        assert len(rows("spammer@far.example.net", 100)) == 100
        wait_for("the counter", lambda: re.search(r"smtpd\.refused-recipients\s+152\b", suite.command("status")[1]))


def test_nothing_is_said_to_be_nothing():
    with Suite(profile="lab") as suite:
        status, text = suite.command("trace", "<never@seen.example>", check=False)
        assert status == 65 and "nothing about" in text, (status, text)
        status, text = suite.command("trace", "nobody@example.test", check=False)
        assert status == 67 and "no such user" in text, (status, text)
