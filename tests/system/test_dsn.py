"""Delivery status notifications (RFC 3461), read by IMAP as their sender would."""
import email
import email.policy
import smtplib

from suite import PATIENCE, Suite, message, wait_for

ANN, BOB = "ann@example.test", "bob@example.test"


def submit(suite, mail, recipients, subject="dsn"):
    """recipients: (address, parameters of RCPT) each."""
    with smtplib.SMTP(*suite.at("submission"), timeout=PATIENCE) as client:
        client.starttls(context=suite.tls_context())
        client.login(ANN, "secret")
        assert client.has_extn("dsn")
        for reply in [client.mail(ANN, mail)] + [client.rcpt(to, words) for to, words in recipients]:
            assert reply[0] == 250, reply
        assert client.data(message(subject, sender=ANN))[0] == 250


def reports(suite, count):
    """The messages in Ann's INBOX, parsed, once there are so many."""
    def look():
        with suite.imap(ANN) as client:
            client.select("INBOX", readonly=True)
            uids = client.search(None, "ALL")[1][0].split()
            return [client.fetch(uid, "(BODY.PEEK[])")[1][0][1] for uid in uids] if len(uids) >= count else None
    found = look() if count == 0 else wait_for("the reports", look)
    assert len(found or []) == count, found
    return [email.message_from_bytes(octets, policy=email.policy.default) for octets in found or []]


def status_of(report):
    """The groups of fields of its message/delivery-status."""
    assert report.get_content_type() == "multipart/report", report
    assert report.get_param("report-type") == "delivery-status"
    text, status, header = report.iter_parts()
    assert [part.get_content_type() for part in (text, status, header)] == \
        ["text/plain", "message/delivery-status", "text/rfc822-headers"]
    return [dict(group.items()) for group in status.iter_parts()], header.get_content()


def test_success_is_reported_in_the_transaction_of_the_delivery():
    with Suite(profile="lab") as suite:
        submit(suite, ["RET=HDRS", "ENVID=QQ+2B314159"], [(BOB, ["NOTIFY=SUCCESS,FAILURE", "ORCPT=rfc822;Bob@Example.TEST"])])
        (report,) = reports(suite, 1)
        assert report["Return-Path"] == "<>" and report["Auto-Submitted"] == "auto-replied", report
        assert report["From"] == "Mail Delivery System <postmaster@example.test>"
        (about, one), header = status_of(report)
        assert about == {"Original-Envelope-Id": "QQ+314159", "Reporting-MTA": "dns; mail.example.test"}, about
        assert one == {"Original-Recipient": "rfc822;Bob@Example.TEST", "Final-Recipient": f"rfc822;{BOB}",
                       "Action": "delivered", "Status": "2.0.0"}, one
        assert "Subject: dsn" in header and "hello" not in header, header


def test_nothing_is_reported_unasked():
    with Suite(profile="lab") as suite:
        submit(suite, [], [(BOB, [])])
        submit(suite, ["RET=FULL"], [(BOB, ["NOTIFY=NEVER"])])
        submit(suite, ["ENVID=x"], [(BOB, ["NOTIFY=FAILURE,DELAY"])])
        reports(suite, 0)


def test_an_alias_of_several_is_expanded_and_several_share_a_report():
    with Suite("--user", f"{ANN}:secret", "--user", f"{BOB}:secret", "--user", "carol@example.test:secret",
               profile="lab") as suite:
        suite.command("alias", "add", "team@example.test", BOB, "carol@example.test")
        submit(suite, [], [("team@example.test", ["NOTIFY=SUCCESS"]), ("bob+x@example.test", ["NOTIFY=SUCCESS"]),
                           ("carol@example.test", [])])
        (report,) = reports(suite, 1)
        (about, team, bob), _ = status_of(report)
        assert "Original-Envelope-Id" not in about
        assert (team["Final-Recipient"], team["Action"]) == ("rfc822;team@example.test", "expanded"), team
        assert (bob["Final-Recipient"], bob["Action"]) == ("rfc822;bob+x@example.test", "delivered"), bob
        assert "Original-Recipient" not in team


def test_over_lmtp_and_for_large_messages():
    with Suite(profile="lab") as suite:
        with smtplib.LMTP(suite.ready["lmtp"]) as client:
            client.ehlo("test")
            assert client.has_extn("dsn")
            for sender in (ANN, "stranger@elsewhere.test", ""):
                assert client.mail(sender, ["ENVID=big"])[0] == 250
                assert client.rcpt(BOB, ["NOTIFY=SUCCESS"])[0] == 250
                assert client.data(message("large", body="x" * 70 + "\n" + ("y" * 70 + "\n") * 20000))[0] == 250
        (report,) = reports(suite, 1)
        (about, one), header = status_of(report)
        assert about["Original-Envelope-Id"] == "big" and one["Action"] == "delivered"
        assert "Subject: large" in header and "yyy" not in header
        assert suite.command("check")[0] == 0
