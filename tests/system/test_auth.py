"""Logging in with SCRAM, with app passwords, and after what was good no longer is."""
import base64
import hashlib
import hmac
import json
import os
import poplib
import re
import secrets
import ssl
import subprocess
import threading
import time

from suite import POSTROOM, Skip, Suite, message, run, wait_for

ANN, BOB = "ann@example.test", "bob@example.test"
ACCOUNTS = ("--user", f"{ANN}:secret", "--user", f"{BOB}:secret", "--set", "accounts.any_password=no")


class Scram:
    """The client's side of SCRAM-SHA-256 (RFC 5802, 7677)."""

    def __init__(self, user, password, flag="n", binding=b""):
        self.password, self.binding = password, binding
        self.header = f"{flag},,"
        self.bare = f"n={user},r={secrets.token_urlsafe(18)}"

    def first(self):
        return (self.header + self.bare).encode()

    def final(self, server_first):
        parts = dict(part.split("=", 1) for part in server_first.decode().split(","))
        bound = base64.b64encode(self.header.encode() + self.binding).decode()
        without = f"c={bound},r={parts['r']}"
        text = ",".join((self.bare, server_first.decode(), without)).encode()
        salted = hashlib.pbkdf2_hmac("sha256", self.password.encode(), base64.b64decode(parts["s"]),
                                     int(parts["i"]))

        def mac(key, octets):
            return hmac.new(key, octets, "sha256").digest()

        client = mac(salted, b"Client Key")
        signature = mac(hashlib.sha256(client).digest(), text)
        self.signature = base64.b64encode(mac(mac(salted, b"Server Key"), text)).decode()
        proof = base64.b64encode(bytes(a ^ b for a, b in zip(client, signature))).decode()
        return f"{without},p={proof}".encode()

    def step(self, challenge):
        """The answer to a challenge, decoded; b"" to an empty one comes first."""
        if not challenge:
            return self.first()
        if challenge.startswith(b"v="):
            assert challenge.decode() == f"v={self.signature}", "the server does not know the password"
            return b""
        return self.final(challenge)


def mechanism_of(scram):
    return "SCRAM-SHA-256-PLUS" if scram.header.startswith("p=") else "SCRAM-SHA-256"


def smtp_login(client, scram):
    code, text = client.docmd("AUTH", mechanism_of(scram))
    while code == 334:
        answer = scram.step(base64.b64decode(text))
        code, text = client.docmd(base64.b64encode(answer).decode())
    return code == 235


def imap_login(client, scram):
    try:
        return client.authenticate(mechanism_of(scram), scram.step)[0] == "OK"
    except client.error:
        return False


def pop_login(client, scram):
    client._putcmd(f"AUTH {mechanism_of(scram)}")
    while True:
        line = client._getline()[0]
        if not line.startswith(b"+ "):
            return line.startswith(b"+OK")
        client._putline(base64.b64encode(scram.step(base64.b64decode(line[2:]))))


def end_point(sock):
    """tls-server-end-point (RFC 5929) of a certificate signed with SHA-256."""
    return hashlib.sha256(sock.getpeercert(binary_form=True)).digest()


REFUSED = r"535|AUTHENTICATIONFAILED|\[AUTH\]"
# ... or ended right behind the login, which was on its way when the password changed
ENDED = r"no longer good|session is ended|EOF|closed"


def plain_login(suite, protocol, user, password, refusal=REFUSED):
    """Whether PLAIN (or what stands for it) is taken."""
    try:
        if protocol == "smtp":
            with suite.smtp("submission") as client:
                client.starttls(context=suite.tls_context())
                client.login(user, password)
        elif protocol == "imap":
            suite.imap_tls(user, password).logout()
        else:
            suite.pop(user, password).quit()
        return True
    except Exception as problem:
        text = str(problem)
        assert re.search(refusal, text), repr(problem)
        return False


def test_scram_in_each_protocol():
    with Suite(*ACCOUNTS) as suite:
        for password, good in (("secret", True), ("wrong", False)):
            with suite.smtp("submission") as client:
                client.ehlo()
                assert smtp_login(client, Scram(ANN, password)) == good
            assert imap_login(suite.imap(), Scram(ANN, password)) == good
            assert pop_login(suite.pop(), Scram(ANN, password)) == good
        log = suite.log_text()
        assert len(re.findall(r"event=auth\.ok .*mech=SCRAM-SHA-256 ", log)) == 3, log
        assert len(re.findall(r"event=auth\.fail .*mech=SCRAM-SHA-256 .*reason=password", log)) == 3, log


def test_scram_bound_to_the_certificate():
    with Suite(*ACCOUNTS) as suite:
        def login(flag, binding=None):
            client = suite.imap_tls()
            assert "AUTH=SCRAM-SHA-256-PLUS" in client.capabilities, client.capabilities
            data = end_point(client.sock) if binding is None else binding
            return imap_login(client, Scram(ANN, "secret", flag, data if flag.startswith("p") else b""))

        assert login("p=tls-server-end-point")
        assert not login("p=tls-server-end-point", bytes(32))   # somebody is between
        assert not login("p=tls-unique", bytes(12))
        assert not login("y")                                   # -PLUS was taken off the list
        assert login("n")


def gsasl(suite, *args):
    if not os.path.exists("/usr/bin/gsasl"):
        raise Skip("gsasl is not installed")
    return subprocess.run(
        ["gsasl", "--authentication-id", ANN, *args], stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60)


def test_gsasl():
    """GNU SASL's own command: the mechanisms with and without TLS, tls-exporter by GnuTLS."""
    with Suite(*ACCOUNTS) as suite:
        tls = ("--starttls", f"--x509-ca-file={suite.ready['ca']}")
        rows = (
            ("imap", "imap", "SCRAM-SHA-256", ("--no-starttls",), "secret", True),
            ("smtp", "submission", "SCRAM-SHA-256", ("--no-starttls",), "secret", True),
            ("imap", "imap", "SCRAM-SHA-256-PLUS", tls, "secret", True),
            ("smtp", "submission", "SCRAM-SHA-256-PLUS", tls, "secret", True),
            ("imap", "imap", "SCRAM-SHA-256", ("--no-cb", *tls), "secret", True),
            ("smtp", "submission", "SCRAM-SHA-256-PLUS", tls, "wrong", False),
        )
        for protocol, door, mechanism, how, password, good in rows:
            done = gsasl(suite, f"--{protocol}", "--connect=localhost:%d" % suite.at(door)[1],
                         f"--mechanism={mechanism}", f"--password={password}", *how)
            assert (done.returncode == 0) == good, (mechanism, how, done.stdout.decode())
        assert len(re.findall(r"auth\.ok .*mech=SCRAM-SHA-256-PLUS", suite.log_text())) == 2


def test_msmtp_scram():
    with Suite(*ACCOUNTS) as suite:
        rc = os.path.join(suite.work, "msmtprc")
        with open(rc, "w") as file:
            file.write(f"account default\nhost localhost\nport {suite.at('submission')[1]}\nfrom {ANN}\n"
                       f"auth scram-sha-256\nuser {ANN}\npassword secret\ntls on\ntls_trust_file {suite.ready['ca']}\n")
        os.chmod(rc, 0o600)
        run("msmtp", "-C", rc, BOB, stdin=message("by SCRAM"))
        assert "mech=SCRAM-SHA-256" in suite.log_text()
        imap = suite.imap(BOB)
        assert imap.select("INBOX", readonly=True)[1][0] == b"1"


def test_mbsync_and_mutt_scram():
    """Cyrus SASL takes it by itself where it is offered; GNU SASL in mutt is told to."""
    with Suite(*ACCOUNTS) as suite:
        rc, near = os.path.join(suite.work, "mbsyncrc"), os.path.join(suite.work, "maildir")
        os.mkdir(near)
        with open(rc, "w") as file:
            file.write(f"IMAPAccount postroom\nHost localhost\nPort {suite.at('imaps')[1]}\nUser {ANN}\n"
                       f"Pass secret\nSSLType IMAPS\nCertificateFile {suite.ready['ca']}\n\n"
                       f"IMAPStore far\nAccount postroom\n\nMaildirStore near\nPath {near}/\nInbox {near}/INBOX\n\n"
                       "Channel all\nFar :far:\nNear :near:\nSync Pull\nSyncState *\n")
        suite.send(ANN, ANN, message("for mbsync"))
        run("mbsync", "-c", rc, "all")
        assert re.search(r"auth\.ok .*proto=imap .*mech=SCRAM-SHA-256 ", suite.log_text()), suite.log_text()
        rc = os.path.join(suite.work, "muttrc")
        with open(rc, "w") as file:
            file.write(f'set smtp_url="smtps://{ANN}@localhost:{suite.at("submissions")[1]}/"\n'
                       f'set smtp_pass="secret"\nset smtp_authenticators="scram-sha-256"\nset from="{ANN}"\n'
                       f'set certificate_file="{suite.ready["ca"]}"\nset ssl_verify_host=no\n')
        run("mutt", "-n", "-F", rc, "-s", "by mutt", ANN, stdin=b"hello\n")
        assert re.search(r"auth\.ok .*proto=smtp .*mech=SCRAM-SHA-256 ", suite.log_text()), suite.log_text()


def app_password(suite, user, label, *words):
    (row,) = json.loads(suite.command("password", "add", user, label, *words, "--json")[1])
    return row["password"]


def test_app_passwords():
    with Suite(*ACCOUNTS) as suite:
        phone = app_password(suite, ANN, "phone", "scopes=imap,pop3")
        printer = app_password(suite, ANN, "the printer", "scopes=smtp", "expires=90d")
        may = {(protocol, name): plain_login(suite, protocol, ANN, password)
               for protocol in ("smtp", "imap", "pop3")
               for name, password in (("phone", phone), ("printer", printer), ("own", "secret"))}
        assert may == {(protocol, name): name == "own" or (name == "printer") == (protocol == "smtp")
                       for protocol, name in may}, may
        assert imap_login(suite.imap(), Scram(ANN, phone))
        rows = {row["label"]: row for row in json.loads(suite.command("password", "list", ANN, "--json")[1])}
        assert set(rows) == {"phone", "the printer"}, rows
        assert rows["phone"]["scopes"] == "imap,pop3" and not rows["phone"]["expires"], rows
        assert rows["the printer"]["expires"] and rows["the printer"]["last-used"], rows
        idle = suite.imap(ANN, phone)
        own = suite.imap(ANN)
        idle.select("INBOX")
        idle.send(b"a IDLE\r\n")
        assert idle.readline().startswith(b"+")
        suite.command("password", "rm", ANN, "phone")
        assert idle.readline().startswith(b"* BYE"), "the session lives on"
        assert own.noop()[0] == "OK"
        assert not plain_login(suite, "imap", ANN, phone)
        assert not imap_login(suite.imap(), Scram(ANN, phone))
        suite.command("user", "passwd", ANN, "--password-stdin", stdin=b"other\n")
        assert plain_login(suite, "smtp", ANN, printer) and not plain_login(suite, "smtp", ANN, "secret")


def test_crypt_strings_are_imported():
    with Suite(*ACCOUNTS) as suite:
        for user, setting in (("yes", "$y$j75$abcdefghijklmnop$"), ("sha", "$6$saltsalt$"),
                              ("bc", "$2b$04$abcdefghijklmnopqrstuu")):
            verifier = run("perl", "-e", "print crypt('pencil', $ARGV[0])", setting)[1]
            suite.command("user", "add", f"{user}@example.test", "--verifier-stdin", stdin=verifier.encode() + b"\n")
            assert not imap_login(suite.imap(), Scram(f"{user}@example.test", "pencil"))
            assert not plain_login(suite, "imap", f"{user}@example.test", "Pencil")
            assert plain_login(suite, "imap", f"{user}@example.test", "pencil")
            wait_for("keys in its place", lambda: imap_login(
                suite.imap(), Scram(f"{user}@example.test", "pencil")))
        status, text = suite.command("user", "add", "x@example.test", "--verifier-stdin", stdin=b"$zz$x\n", check=False)
        assert status != 0 and "crypt(3)" in text, text


class Sessions:
    """One session of each protocol, logged in: IMAP in IDLE, POP3, authenticated SMTP."""

    def __init__(self, suite, user, password="secret"):
        self.imap = suite.imap(user, password)
        self.imap.select("INBOX")
        self.imap.send(b"a IDLE\r\n")
        assert self.imap.readline().startswith(b"+")
        self.pop = suite.pop(user, password)
        self.smtp = suite.smtp("submission")
        self.smtp.login(user, password)

    def expect_end(self):
        assert self.imap.readline().startswith(b"* BYE")
        assert self.pop._getline()[0].startswith(b"-ERR")
        assert self.smtp.getreply()[0] == 421

    def expect_life(self):
        self.imap.send(b"DONE\r\n")
        assert self.imap.readline().startswith(b"a OK")
        assert self.pop.noop().startswith(b"+OK")
        assert self.smtp.noop()[0] == 250


def test_changes_end_sessions():
    with Suite(*ACCOUNTS) as suite:
        for words, stdin, old_is_good in (
                (("user", "passwd", ANN, "--password-stdin"), b"other\n", False),
                (("user", "disable", ANN), None, False),
                (("user", "rm", ANN), None, False)):
            suite.command("user", "enable", ANN, check=False)
            suite.command("user", "passwd", ANN, "--password-stdin", stdin=b"secret\n")
            ann, bob = Sessions(suite, ANN), Sessions(suite, BOB)
            suite.command(*words, stdin=stdin)
            for protocol in ("smtp", "imap", "pop3"):
                assert plain_login(suite, protocol, ANN, "secret") == old_is_good, (words, protocol)
            ann.expect_end()
            bob.expect_life()
        kept = Sessions(suite, BOB)
        suite.command("user", "passwd", BOB, "--password-stdin", "--keep-sessions", stdin=b"other\n")
        assert not plain_login(suite, "imap", BOB, "secret")
        kept.expect_life()


def test_old_password_loses_the_race():
    """Logins run while the password changes, over and over: none that begins after
    the command has returned is let in by the old one."""
    with Suite(*ACCOUNTS, "--set", "accounts.throttle=no", "--set", "limits.connections_per_address=0") as suite:
        state = {"changed_at": None, "stop": False}
        problems, good = [], [0]

        def client(protocol):
            while not state["stop"]:
                began = time.monotonic()
                changed = state["changed_at"]
                try:
                    ok = plain_login(suite, protocol, ANN, "secret", f"{REFUSED}|{ENDED}")
                except Exception as problem:
                    problems.append(repr(problem))
                    return
                if ok and changed is not None and changed == state["changed_at"] and began > changed:
                    problems.append(f"{protocol}: in by the old password")
                good[0] += ok

        threads = [threading.Thread(target=client, args=(p,)) for p in ("smtp", "imap", "pop3", "imap")]
        for thread in threads:
            thread.start()
        try:
            for _ in range(8):
                suite.command("user", "passwd", ANN, "--password-stdin", stdin=b"other\n")
                state["changed_at"] = time.monotonic()
                time.sleep(0.3)
                state["changed_at"] = None
                suite.command("user", "passwd", ANN, "--password-stdin", stdin=b"secret\n")
                before = good[0]
                wait_for("logins again", lambda: good[0] > before or problems)
        finally:
            state["stop"] = True
            for thread in threads:
                thread.join()
        assert not problems, problems[:5]
        assert good[0] > 8


def test_apop():
    """In lab, for who was named on the command line, while the password is that; nothing of it is in a file."""
    with Suite("--user", f"{BOB}:zebracolour", profile="lab") as suite:
        def apop(user, password):
            pop = suite.pop()
            try:
                return pop.apop(user, password)[:3] == b"+OK"
            except poplib.error_proto as problem:
                assert b"[AUTH]" in problem.args[0], problem
                return False
            finally:
                pop.close()

        assert apop(BOB, "zebracolour")
        assert not apop(BOB, "wrong")
        suite.command("user", "add", "eve@example.test", "--password-stdin", stdin=b"secret\n")
        assert not apop("eve@example.test", "secret")
        suite.command("user", "passwd", BOB, "--password-stdin", stdin=b"changed\n")
        assert not apop(BOB, "zebracolour") and not apop(BOB, "changed")
        for folder, _, names in os.walk(suite.dir):
            for name in names:
                path = os.path.join(folder, name)
                if os.path.isfile(path):
                    with open(path, "rb") as file:
                        assert b"zebracolour" not in file.read(), path
