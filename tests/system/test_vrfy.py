"""VRFY, where a listener tells those who are logged in."""
from suite import Suite


def test_vrfy():
    with Suite("--set", "listen.submission.vrfy=yes", profile="lab") as suite:
        with suite.smtp("submission") as client:
            client.ehlo()
            client.login("ann@example.test", "secret")
            for address, code, words in (("<bob@example.test>", 250, b"<bob@example.test>"),
                                         ("ann+lists@example.test", 250, b"<ann+lists@example.test>"),
                                         ("postmaster@example.test", 250, b"2.1.5"),
                                         ("<nobody@example.test>", 550, b"5.1.1"),
                                         ("x@elsewhere.example", 550, b"5.1.1"), ("bob", 252, b"2.1.5")):
                got = client.verify(address)
                assert got[0] == code and words in got[1], (address, got)
            suite.command("user", "disable", "bob@example.test")
            assert client.verify("bob@example.test")[0] == 550
        # not here, and not to a stranger
        with suite.smtp() as client:
            client.ehlo()
            assert client.verify("bob@example.test")[0] == 252
