"""Two hosts: one takes mail and logins, the other has the mailboxes; linkd between them."""
import hashlib
import imaplib
import json
import os
import shutil
import signal
import smtplib
import socket
import ssl
import tempfile

from suite import PATIENCE, POSTROOM, Suite, free_port, message, run, wait_for

EC = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")


class Keys:
    """An authority, and certificates by it and by nobody."""

    def __init__(self):
        self.at = tempfile.mkdtemp(prefix="postroom-links-")
        self.authority = os.path.join(self.at, "ca.pem")
        run("openssl", "req", "-x509", *EC, "-keyout", os.path.join(self.at, "ca.key"), "-out", self.authority,
            "-days", "30", "-subj", "/CN=links")

    def make(self, name, alone=False):
        cert, key = (os.path.join(self.at, f"{name}{'.alone' if alone else ''}.{what}") for what in ("pem", "key"))
        by = () if alone else ("-CA", self.authority, "-CAkey", os.path.join(self.at, "ca.key"))
        run("openssl", "req", "-x509", *EC, "-keyout", key, "-out", cert, "-days", "30", "-subj", f"/CN={name}",
            "-addext", f"subjectAltName=DNS:{name}", *by)
        return cert, key

    def pin(self, pair):
        with open(pair[0]) as file:
            return "sha256:" + hashlib.sha256(ssl.PEM_cert_to_DER_cert(file.read())).hexdigest()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.at, ignore_errors=True)


def sets(**options):
    return [word for name, value in options.items() for word in ("--set", f"{name.replace('__', '.')}={value}")]


def mailboxes(keys, pair, peers, port, **more):
    """The host with the mailboxes: mailboxd and linkd, and no listener but the one for the other."""
    options = dict(listen__between__protocol="link", listen__between__address=f"127.0.0.1:{port}", links__cert=pair[0],
                   links__key=pair[1], links__authority=keys.authority, links__peers=peers)
    options.update(more)
    return Suite("--user", "bob@example.test:secret", *sets(**options), profile="lab")


def access(keys, pair, port, **more):
    """The host that clients see."""
    options = dict(links__mailboxd=f"tls://127.0.0.1:{port}", links__peer="mail.test", links__cert=pair[0],
                   links__key=pair[1], links__authority=keys.authority)
    options.update(more)
    return Suite(*sets(**options), profile="lab")


def can_read(suite, subject):
    with suite.imap("bob@example.test") as client:
        client.select("INBOX")
        return client.search(None, "SUBJECT", f'"{subject}"')[1][0].split()


def test_two_hosts():
    with Keys() as keys:
        port = free_port()
        with mailboxes(keys, keys.make("mail.test"), "mx.test", port) as far:
            with access(keys, keys.make("mx.test"), port) as near:
                assert "mailboxd" not in near.ready["pids"] and near.ready["pids"]["linkd"]
                assert far.ready["pids"]["mailboxd"] and far.ready["pids"]["linkd"]
                near.send("ann@client.example", "bob@example.test", message("over the link"))
                assert can_read(near, "over the link") and can_read(far, "over the link")
                assert near.pop("bob@example.test").stat()[0] == 1
                # a large one, and many at once
                near.send("ann@client.example", "bob@example.test", message("large", body="x" * 70 + "\n") +
                          (b"y" * 70 + b"\r\n") * 40000)
                assert can_read(near, "large")
                # unknown ones are answered by the other host
                with near.smtp() as client:
                    client.ehlo()
                    client.mail("a@client.example")
                    assert client.rcpt("nobody@example.test")[0] == 550
                # sessions of the access host are known where the accounts are
                with near.imap("bob@example.test"):
                    rows = json.loads(far.command("who", "--json")[1])
                    assert [row for row in rows if row["service"] == "imap"], rows


def test_the_link_is_cut_and_comes_back():
    with Keys() as keys:
        port, pair = free_port(), keys.make("mail.test")
        with mailboxes(keys, pair, "mx.test", port) as far:
            with access(keys, keys.make("mx.test"), port) as near:
                near.send("ann@client.example", "bob@example.test", message("before"))
                session = near.imap("bob@example.test")
                session.select("INBOX")
                # away: answered at once, and found again without anybody's help
                os.kill(far.pids("linkd")[0], signal.SIGKILL)

                def refused():
                    try:
                        near.send("ann@client.example", "bob@example.test", message("meanwhile"))
                        return False
                    except smtplib.SMTPResponseException as reply:
                        assert reply.smtp_code == 451, reply
                        return True
                    except smtplib.SMTPRecipientsRefused as reply:
                        assert list(reply.recipients.values())[0][0] == 451, reply.recipients
                        return True

                refused()
                wait_for("the link again", lambda: not refused())
                assert can_read(near, "meanwhile")
                # the session that went over the link has lost its mailbox, a new one has it
                try:
                    assert session.fetch("1", "(BODY.PEEK[])")[0] == "NO"
                except imaplib.IMAP4.abort:
                    pass
                # linkd of the access host is killed too
                os.kill(near.pids("linkd")[0], signal.SIGKILL)
                wait_for("the link once more", lambda: not refused())


def test_the_wrong_certificate_is_refused():
    with Keys() as keys:
        port, pair = free_port(), keys.make("mail.test")
        stranger, alone = keys.make("stranger.test"), keys.make("mx.test", alone=True)
        with mailboxes(keys, pair, "mx.test", port) as far:
            for who, more, said in (
                    (stranger, {}, far), (alone, {}, far),  # not named; not signed
                    (keys.make("mx.test"), {"links__peer": "other.test"}, None)):  # the server is somebody else
                with access(keys, who, port, **more) as near:
                    before = far.log_text().count("event=link.refused")
                    with near.smtp() as client:
                        client.ehlo()
                        codes = [client.mail("a@client.example")[0], client.rcpt("bob@example.test")[0]]
                        assert codes[-1] // 100 in (4, 5) and 451 in codes, codes
                    if said:
                        wait_for("the refusal", lambda: far.log_text().count("event=link.refused") > before)
                    else:
                        wait_for("the refusal", lambda: "event=link.away" in near.log_text())
            # without any certificate, and without a protocol that linkd knows
            context = ssl.create_default_context(cafile=keys.authority)
            context.check_hostname = False
            for protocols in ([], ["postroom-lmtp"], ["imap"]):
                if protocols:
                    context.set_alpn_protocols(protocols)
                with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as raw:
                    try:
                        with context.wrap_socket(raw, server_hostname="mail.test") as client:
                            assert client.recv(100) == b""
                    except (ssl.SSLError, ConnectionResetError):
                        pass


def test_certificates_known_by_their_digest():
    with Keys() as keys:
        port = free_port()
        here, there = keys.make("mx.test", alone=True), keys.make("mail.test", alone=True)
        nothing = {"links__authority": ""}
        with mailboxes(keys, there, keys.pin(here), port, **nothing):
            with access(keys, here, port, links__peer=keys.pin(there), **nothing) as near:
                near.send("ann@client.example", "bob@example.test", message("pinned"))
                assert can_read(near, "pinned")


def test_what_is_not_offered_is_not_reached():
    with Keys() as keys:
        port = free_port()
        with mailboxes(keys, keys.make("mail.test"), "mx.test", port, links__offers="lmtp") as far:
            with access(keys, keys.make("mx.test"), port) as near:
                near.send("ann@client.example", "bob@example.test", message("only mail"))
                assert can_read(far, "only mail")
                try:
                    can_read(near, "only mail")
                    raise AssertionError("store.sock is reached")
                except Exception as problem:
                    assert "UNAVAILABLE" in str(problem), problem
                assert "is not offered" in far.log_text()


def test_mistakes_are_told():
    with Keys() as keys:
        pair = keys.make("mx.test")
        for options, words in (
                (dict(links__mailboxd="tcp://127.0.0.1:1"), "only tls://host:port"),
                (dict(links__mailboxd="mail.test"), "write tls://host:port"),
                (dict(links__mailboxd="tls://127.0.0.1:1"), "authority"),
                (dict(links__mailboxd="tls://127.0.0.1:1", links__peer="sha256:12"), "64 hexadecimal digits"),
                (dict(links__cert=pair[0]), "links.key is missing"),
                (dict(listen__between__protocol="link", listen__between__address="127.0.0.1:0"), "links.peers is empty")):
            status, text = run(POSTROOM, "lab", "--dir", os.path.join(keys.at, "lab"), "--ports", "auto",
                               *sets(**options), check=False)
            assert status != 0 and words in text, (options, status, text)
