"""Submission (RFC 6409): whose addresses a login may use, and what is added to a header."""
import smtplib

from suite import PATIENCE, Suite, crlf, message

ANN = "ann@example.test"
BOB = "bob@example.test"


def login(suite, user):
    client = smtplib.SMTP(*suite.at("submission"), timeout=PATIENCE)
    client.starttls(context=suite.tls_context())
    client.login(user, "secret")
    return client


def refusal(client, sender, text):
    """What a message is answered, 250 where it is taken."""
    try:
        client.sendmail(sender, [BOB], text)
    except smtplib.SMTPSenderRefused as problem:
        return problem.smtp_code, problem.smtp_error.decode()
    except smtplib.SMTPDataError as problem:
        client.rset()
        return problem.smtp_code, problem.smtp_error.decode()
    return 250, ""


def test_who_may_send_as_whom():
    with Suite("--set", 'domain."example.test".catchall=bob@example.test', profile="lab") as suite:
        suite.command("alias", "add", "sales@example.test", ANN)
        rows = (
            (ANN, ANN, ANN, 250),
            (ANN, ANN.upper(), "Ann@EXAMPLE.test", 250),
            (ANN, "ann+shop@example.test", "ann+shop@example.test", 250),
            (ANN, "sales@example.test", "sales@example.test", 250),
            (ANN, "", ANN, 250),
            (ANN, BOB, ANN, 553),
            (ANN, "boss@elsewhere.test", ANN, 553),
            (ANN, "anything@example.test", ANN, 553),
            (BOB, "anything@example.test", "anything@example.test", 250),
            (ANN, ANN, BOB, 550),
            (ANN, ANN, f"{ANN}, {BOB}", 550),
            (ANN, ANN, "boss@elsewhere.test", 550),
        )
        for user, sender, author, wanted in rows:
            with login(suite, user) as client:
                code, text = refusal(client, sender, message("who", sender=author))
                assert code == wanted, (user, sender, author, code, text)
                assert wanted == 250 or text.startswith("5.7.1 "), text
        with login(suite, ANN) as client:
            code, text = refusal(client, ANN, b"Subject: nobody wrote it\r\n\r\nx\r\n")
            assert (code, text[:5]) == (550, "5.7.1"), (code, text)
        # nothing of this on port 25
        suite.send("boss@elsewhere.test", BOB, b"Subject: from elsewhere\r\nBcc: x@example.test\r\n\r\nx\r\n")


def test_what_is_added_and_what_goes():
    with Suite(profile="lab") as suite:
        suite.command("alias", "add", "sales@example.test", ANN)
        body = "Zeile \u00e4\n.dot\n" + "x" * 998 + "\n"
        with login(suite, ANN) as client:
            client.sendmail(ANN, [BOB], crlf(f"From: Sales <sales@example.test>\nBcc: carol@example.test,\n"
                                             f" dave@example.test\nSubject: sums\n\n{body}"),
                            mail_options=["BODY=8BITMIME"])
        with suite.imap(BOB) as client:
            client.select("INBOX")
            octets = client.fetch("1", "(BODY.PEEK[])")[1][0][1]
        head, text = octets.split(b"\r\n\r\n", 1)
        assert text == crlf(body), text
        names = [line.split(b":")[0] for line in head.split(b"\r\n") if line[:1] not in b" \t"]
        assert names[-5:] == [b"From", b"Subject", b"Date", b"Message-ID", b"Sender"], names
        assert b"\r\nSender: ann@example.test" in head and b"carol" not in head, head
        with suite.smtp() as client:
            client.sendmail("x@elsewhere.test", [BOB], b"Subject: bare\r\nBcc: y@elsewhere.test\r\n\r\nx\r\n")
        with suite.imap(BOB) as client:
            client.select("INBOX")
            octets = client.fetch("2", "(BODY.PEEK[])")[1][0][1]
        assert octets.endswith(b"\r\nSubject: bare\r\nBcc: y@elsewhere.test\r\n\r\nx\r\n"), octets
