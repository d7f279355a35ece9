"""Checks that are asked before mail is taken, over real sockets: greylisting, early
talkers. Clients are other addresses of loopback, and none of them is trusted."""
import re
import smtplib
import socket
import time

from suite import PATIENCE, Suite, message, wait_for

UNTRUSTED = ("--set", "trusted=192.0.2.1")


def client(suite, address, helo="client.example"):
    smtp = smtplib.SMTP(timeout=PATIENCE, source_address=(address, 0), local_hostname=helo)
    smtp.connect(*suite.at("smtp"))
    smtp.ehlo()
    return smtp


def attempt(suite, address, sender, recipient):
    """(code, text) of the first reply that is not fine, else of the data."""
    smtp = client(suite, address)
    try:
        for step in (lambda: smtp.mail(sender), lambda: smtp.rcpt(recipient),
                     lambda: smtp.data(message("greylisted"))):
            code, text = step()
            if code >= 400:
                break
    except smtplib.SMTPDataError as refused:
        code, text = refused.smtp_code, refused.smtp_error
    smtp.quit()
    return code, text.decode()


def count(suite, address):
    pop = suite.pop(address)
    messages = pop.stat()[0]
    pop.quit()
    return messages


def test_greylisting():
    with Suite(*UNTRUSTED, "--set", "greylist.on=yes", "--set", "greylist.delay=2s",
               "--set", "greylist.allow=2") as suite:
        code, text = attempt(suite, "127.0.1.1", "a@b.example", "bob@example.test")
        assert code == 451 and re.fullmatch(r"4\.7\.1 Greylisted: come again in [12] seconds", text), text
        # the null sender hears it at DATA only, and postmaster gets mail at once
        assert attempt(suite, "127.0.2.1", "", "bob@example.test")[0] == 451
        assert attempt(suite, "127.0.2.1", "x@b.example", "postmaster@example.test")[0] == 250
        time.sleep(2.1)
        # another address of the same network is the same client
        assert attempt(suite, "127.0.1.77", "a@b.example", "bob@example.test")[0] == 250
        assert attempt(suite, "127.0.2.1", "", "bob@example.test")[0] == 250
        assert attempt(suite, "127.0.3.1", "a@b.example", "bob@example.test")[0] == 451
        assert count(suite, "bob@example.test") == 3  # with postmaster's: he is the first account
        # the second good one of 127.0.1.0/24; from then on it waits no more
        assert attempt(suite, "127.0.1.1", "c@b.example", "bob@example.test")[0] == 451
        time.sleep(2.1)
        assert attempt(suite, "127.0.1.1", "c@b.example", "bob@example.test")[0] == 250
        assert attempt(suite, "127.0.1.9", "new@b.example", "carol@example.test")[0] == 250
        wait_for("the journal", lambda: "greylist: 4.7.1" in suite.command("trace", "bob@example.test")[1])


def test_trusted_clients_are_not_greylisted():
    with Suite("--set", "greylist.on=yes") as suite:
        suite.send("ann@example.test", "bob@example.test", message("trusted"))
        assert count(suite, "bob@example.test") == 1


def test_who_speaks_before_the_greeting():
    with Suite(*UNTRUSTED, "--set", "early.greeting=1s") as suite:
        begun = time.monotonic()
        smtp = client(suite, "127.0.0.1")
        assert time.monotonic() - begun >= 0.9
        assert smtp.mail("a@b.example")[0] == 250
        assert smtp.rcpt("bob@example.test")[0] == 250
        smtp.quit()
        with socket.create_connection(suite.at("smtp"), timeout=PATIENCE) as early:
            early.sendall(b"EHLO x.example\r\n")
            file = early.makefile("rb")
            assert file.readline().startswith(b"220 ")
            while file.readline()[3:4] == b"-":
                pass
            early.sendall(b"MAIL FROM:<a@b.example>\r\nRCPT TO:<bob@example.test>\r\n"
                          b"RCPT TO:<postmaster@example.test>\r\nQUIT\r\n")
            replies = [file.readline() for _ in range(4)]
            assert [r[:3] for r in replies] == [b"250", b"554", b"250", b"221"], replies
            assert b"5.5.1 You spoke before the greeting" in replies[1]


def test_who_does_not_wait_for_replies():
    with Suite(*UNTRUSTED, "--set", "early.pipelining=yes") as suite:
        with socket.create_connection(suite.at("smtp"), timeout=PATIENCE) as ahead:
            file = ahead.makefile("rb")
            assert file.readline().startswith(b"220 ")
            ahead.sendall(b"EHLO x.example\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<bob@example.test>\r\n")
            while file.readline()[3:4] == b"-":
                pass
            assert file.readline().startswith(b"250 ")
            assert file.readline().startswith(b"554 5.5.1 You do not wait")
        # a group behind the reply to EHLO is what PIPELINING is for
        smtp = client(suite, "127.0.0.1")
        smtp.sock.sendall(b"MAIL FROM:<a@b.example>\r\nRCPT TO:<bob@example.test>\r\nDATA\r\n")
        assert [smtp.getreply()[0] for _ in range(3)] == [250, 250, 354]
        smtp.close()
