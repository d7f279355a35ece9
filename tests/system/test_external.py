"""Client certificates: logging in by SASL EXTERNAL, in SMTP, POP3 and IMAP."""
import base64
import os
import poplib
import shutil
import smtplib
import tempfile

import imaplib
from suite import PATIENCE, POSTROOM, Suite, run, wait_for


class Authority:
    """An authority of its own in a directory, and what it makes."""

    def __init__(self, directory, name):
        self.directory, self.name = directory, name
        self.cert, self.key = self.path("ca.pem"), self.path("ca.key")
        run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
            "-keyout", self.key, "-out", self.cert, "-days", "10", "-subj", f"/CN={name}")

    def path(self, end):
        return os.path.join(self.directory, f"{self.name}-{end}")

    def issue(self, who, usage="clientAuth", key=None):
        """(certificate, key) of a client; with key, of that one."""
        cert, own, request = self.path(who + ".pem"), key or self.path(who + ".key"), self.path(who + ".csr")
        if not key:
            run("openssl", "ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", own)
        run("openssl", "req", "-new", "-key", own, "-subj", f"/O=Example/CN={who}", "-out", request)
        with open(self.path("ext"), "w") as file:
            file.write(f"extendedKeyUsage={usage}\n")
        run("openssl", "x509", "-req", "-in", request, "-CA", self.cert, "-CAkey", self.key, "-CAcreateserial",
            "-days", "5", "-extfile", self.path("ext"), "-out", cert)
        return cert, own


def context(suite, pair):
    made = suite.tls_context()
    if pair:
        made.load_cert_chain(*pair)
    return made


def imap(suite, pair):
    host, port = suite.at("imaps")
    return imaplib.IMAP4_SSL(host, port, ssl_context=context(suite, pair), timeout=PATIENCE)


def imap_in(suite, pair, identity=b""):
    client = imap(suite, pair)
    client.authenticate("EXTERNAL", lambda challenge: identity)
    return client


def is_refused(question):
    try:
        question()
    except imaplib.IMAP4.error as problem:
        return str(problem)
    raise AssertionError("it was let in")


def submit(suite, pair, identity=""):
    """Logs in on submission behind STARTTLS, and sends a message."""
    host, port = suite.at("submission")
    with smtplib.SMTP(host, port, timeout=PATIENCE) as client:
        client.starttls(context=context(suite, pair))
        client.ehlo()
        assert "EXTERNAL" in client.esmtp_features["auth"].split(), client.esmtp_features
        code, text = client.docmd("AUTH", "EXTERNAL " + (base64.b64encode(identity.encode()).decode() or "="))
        assert code == 235, (code, text)
        client.sendmail("ann@example.test", ["ann@example.test"],
                        f"From: ann@example.test\r\nSubject: by certificate {identity}\r\n\r\nhello\r\n")


def sets(listeners, ca):
    words = ["--set", f"tls.client_ca={ca}"]
    for name in listeners:
        words += ["--set", f"listen.{name}.client_certificates=optional"]
    return words


def test_external():
    directory = tempfile.mkdtemp(prefix="postroom-external-")
    try:
        ours, theirs = Authority(directory, "ours"), Authority(directory, "theirs")
        ann, bob = ours.issue("ann"), ours.issue("bob")
        with Suite(*sets(("imap", "imaps", "submission", "submissions", "pop3s"), ours.cert), profile="lab") as suite:
            # a good certificate that nobody was bound to
            assert "AUTHENTICATIONFAILED" in is_refused(lambda: imap_in(suite, ann))
            suite.command("user", "cert", "add", "ann@example.test", ann[0], "scopes=smtp,imap")
            suite.command("user", "cert", "add", "bob@example.test", bob[0], "expires=1d")
            assert "CN=ann,O=Example" in suite.command("user", "cert", "list", "ann@example.test")[1]
            status, text = suite.command("user", "cert", "add", "bob@example.test", ann[0], check=False)
            assert status != 0 and "logs in already" in text, text

            client = imap_in(suite, ann)
            client.select()
            client.logout()
            imap_in(suite, ann, b"ann@example.test").logout()
            # nobody acts for somebody else, and no certificate is no EXTERNAL
            assert "AUTHENTICATIONFAILED" in is_refused(lambda: imap_in(suite, ann, b"bob@example.test"))
            plain = imap(suite, None)
            assert "AUTH=EXTERNAL" not in plain.capabilities, plain.capabilities
            plain.login("ann@example.test", "secret")
            plain.logout()
            # another authority's: a password is still good
            stranger = theirs.issue("ann")
            other = imap(suite, stranger)
            assert "AUTH=EXTERNAL" not in other.capabilities
            other.login("ann@example.test", "secret")
            other.logout()
            assert "AUTH=EXTERNAL" not in imap(suite, ours.issue("server", "serverAuth")).capabilities
            # renewed with its key
            imap_in(suite, ours.issue("renewed", key=ann[1])).logout()

            submit(suite, ann)
            submit(suite, ann, "Ann@example.test")
            wait_for("both", lambda: suite.command("msg", "list", "ann@example.test")[1].count("by certificate") == 2)

            # out of scope, and in it
            host, port = suite.at("pop3s")
            for pair, answer in ((ann, b"-ERR [AUTH]"), (bob, b"+OK")):
                pop = poplib.POP3_SSL(host, port, context=context(suite, pair), timeout=PATIENCE)
                assert "EXTERNAL" in pop.capa()["SASL"]
                pop._putcmd("AUTH EXTERNAL =")
                line = pop._getline()[0]
                assert line.startswith(answer), line
                pop.close()
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def test_curl_logs_in_by_certificate():
    directory = tempfile.mkdtemp(prefix="postroom-external-")
    try:
        ours = Authority(directory, "ours")
        ann = ours.issue("ann")
        with Suite(*sets(("imaps", "submissions", "pop3s"), ours.cert), profile="lab") as suite:
            suite.command("user", "cert", "add", "ann@example.test", ann[0])
            message = os.path.join(directory, "message")
            with open(message, "w") as file:
                file.write("From: ann@example.test\r\nSubject: curl\r\n\r\nhello\r\n")
            base = ["curl", "-sS", "--max-time", "30", "-k", "--cert", ann[0], "--key", ann[1], "--login-options",
                    "AUTH=EXTERNAL", "-u", "ann@example.test:"]
            run(*base, "--mail-from", "ann@example.test", "--mail-rcpt", "ann@example.test", "-T", message,
                "smtps://%s:%d" % suite.at("submissions"))
            run(*base, "imaps://%s:%d/INBOX" % suite.at("imaps"))
            run(*base, "pop3s://%s:%d" % suite.at("pop3s"))
            wait_for("it", lambda: "curl" in suite.command("msg", "list", "ann@example.test")[1])
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def test_authorities_that_are_wrong_are_told():
    directory = tempfile.mkdtemp(prefix="postroom-external-")
    try:
        other = os.path.join(directory, "other.pem")
        with open(other, "w") as file:
            file.write("no PEM\n")
        for extra, words in (((), "listen imaps asks for client certificates: set tls.client_ca"),
                             (("--set", f"tls.client_ca={directory}/none"), "No such file"),
                             (("--set", f"tls.client_ca={other}"), "holds no certificate in PEM")):
            status, text = run(POSTROOM, "lab", "--dir", os.path.join(directory, "lab"), "--ports", "auto",
                               "--set", "listen.imaps.client_certificates=optional", *extra, check=False)
            assert status != 0 and words in text, (status, text)
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def ended(client):
    """Whether the session was told to go, or is gone."""
    try:
        client.noop()
    except (imaplib.IMAP4.abort, OSError):
        return True
    return False


def test_what_was_unbound_ends():
    directory = tempfile.mkdtemp(prefix="postroom-external-")
    try:
        ours = Authority(directory, "ours")
        ann, second = ours.issue("ann"), ours.issue("second")
        with Suite(*sets(("imaps", "submissions"), ours.cert), profile="lab") as suite:
            for pair in (ann, second):
                suite.command("user", "cert", "add", "ann@example.test", pair[0])
            by_ann, by_second, by_password = imap_in(suite, ann), imap_in(suite, second), suite.imap("ann@example.test")
            host, port = suite.at("submissions")
            smtp = smtplib.SMTP_SSL(host, port, timeout=PATIENCE, context=context(suite, ann))
            smtp.ehlo()
            assert smtp.docmd("AUTH", "EXTERNAL =")[0] == 235
            suite.command("user", "cert", "rm", "ann@example.test", ann[0])
            wait_for("the end", lambda: ended(by_ann))
            assert smtp.getreply()[0] == 421
            assert not ended(by_second) and not ended(by_password)
            is_refused(lambda: imap_in(suite, ann))
            suite.command("user", "disable", "ann@example.test")
            wait_for("the end", lambda: ended(by_second) and ended(by_password))
            is_refused(lambda: imap_in(suite, second))
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def test_authorities_are_read_again():
    directory = tempfile.mkdtemp(prefix="postroom-external-")
    try:
        ours, theirs = Authority(directory, "ours"), Authority(directory, "theirs")
        known = os.path.join(directory, "known.pem")
        shutil.copy(ours.cert, known)
        ann = theirs.issue("ann")
        with Suite(*sets(("imaps",), known), profile="lab") as suite:
            suite.command("user", "cert", "add", "ann@example.test", ann[0])
            assert "AUTH=EXTERNAL" not in imap(suite, ann).capabilities
            with open(known, "a") as file, open(theirs.cert) as more:
                file.write(more.read())
            suite.command("reload")
            wait_for("the new authority", lambda: "AUTH=EXTERNAL" in imap(suite, ann).capabilities, pause=0.2)
            imap_in(suite, ann).logout()
    finally:
        shutil.rmtree(directory, ignore_errors=True)
