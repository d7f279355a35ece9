"""Quota where it is asked: at RCPT, at the limit and one more (RFC 9208, RFC 3463)."""
import smtplib

from suite import Suite, message


def rcpt(suite, address, size):
    with suite.smtp() as client:
        client.ehlo()
        assert client.mail("x@far.example.net", [f"SIZE={size}"])[0] == 250
        code, text = client.rcpt(address)
        client.rset()
        return code, text


def test_quota_at_rcpt():
    with Suite(profile="lab") as suite:
        suite.command("user", "quota", "bob@example.test", "5000", "2")
        # octets: as many as are free, and one more
        assert rcpt(suite, "bob@example.test", 5000)[0] == 250
        code, text = rcpt(suite, "bob@example.test", 5001)
        assert code == 552 and text.startswith(b"5.2.2"), (code, text)
        # messages: the second fits, the third does not
        suite.send("x@far.example.net", "bob@example.test", message("one"))
        suite.send("x@far.example.net", "bob@example.test", message("two"))
        code, text = rcpt(suite, "bob@example.test", 10)
        assert code == 552 and text.startswith(b"5.2.2"), (code, text)
        # another recipient of the same message does not suffer
        with suite.smtp() as client:
            refused = client.sendmail("x@far.example.net", ["bob@example.test", "ann@example.test"],
                                      message("three"))
            assert refused["bob@example.test"][0] == 552 and len(refused) == 1, refused
        # one goes, one may come
        pop = suite.pop("bob@example.test")
        pop.dele(1)
        pop.quit()
        suite.send("x@far.example.net", "bob@example.test", message("four"))
        imap = suite.imap("bob@example.test")
        status, answer = imap.getquotaroot("INBOX")
        assert status == "OK" and b"MESSAGE 2 2" in answer[1][0], answer
        status, answer = imap.append("INBOX", "", None, message("five"))
        assert status == "NO" and b"OVERQUOTA" in answer[0], answer
        imap.logout()


def test_quota_may_be_temporary():
    with Suite("--set", "quota_reply=temporary", profile="lab") as suite:
        suite.command("user", "quota", "bob@example.test", "5000", "none")
        assert rcpt(suite, "bob@example.test", 5000)[0] == 250
        code, text = rcpt(suite, "bob@example.test", 5001)
        assert code == 452 and text.startswith(b"4.2.2"), (code, text)
        try:
            suite.send("x@far.example.net", "bob@example.test", message("big", body="x" * 70 + "\n" + "y\n" * 4000))
            raise AssertionError("it was taken")
        except smtplib.SMTPRecipientsRefused as refused:
            assert refused.recipients["bob@example.test"][0] == 452, refused
