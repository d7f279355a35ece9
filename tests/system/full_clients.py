"""More real clients, for ./check --full: mutt, neomutt, getmail6, offlineimap3, imapflow, nodemailer."""
import os
import subprocess

from suite import Skip, Suite, message, run
from test_clients import ACCOUNTS, ANN, BOB, count, write

HERE = os.path.dirname(os.path.abspath(__file__))


def mutt_both_ways(program):
    """Sends over submission, then reads, copies, flags and deletes over IMAP."""
    with Suite(*ACCOUNTS) as suite:
        for number in range(5):
            suite.send(ANN, BOB, message(f"listed {number}"))
        home = os.path.join(suite.work, "home")
        os.mkdir(home)
        out = os.path.join(home, "copied")
        attached = write(os.path.join(home, "attached.txt"), "attached line\n" * 1000)
        settings = f"""
set from="{BOB}" realname="Bob" use_envelope_from=yes copy=no
set smtp_url="smtps://bob%40example.test@localhost:{suite.at('submissions')[1]}/" smtp_pass="secret"
set imap_user="{BOB}" imap_pass="secret"
set ssl_starttls=yes ssl_force_tls=yes certificate_file="{suite.ready['ca']}"
set folder="imaps://localhost:{suite.at('imaps')[1]}/" spoolfile="+INBOX" record=""
set mbox_type=mbox confirmappend=no confirmcreate=no delete=yes quit=yes wait_key=no sort=mailbox-order
set header_cache="" message_cachedir="" timeout=5 imap_keepalive=30 move=no
"""
        rc = write(os.path.join(home, "rc"), settings)
        env = dict(os.environ, HOME=home, TERM="xterm", LANG="C.UTF-8")
        run(program, "-n", "-F", rc, "-s", "by " + program, "-a", attached, "--", ANN, env=env, stdin=b"hello\n")
        assert count(suite, ANN) == 1
        imap = suite.imap(ANN)
        imap.select()
        text = imap.fetch("1", "(BODY.PEEK[] BODYSTRUCTURE)")[1]
        imap.logout()
        assert b"Subject: by " + program.encode() in text[0][1] and b"attached line" in text[0][1], text

        def drive(keys):
            command = f"{program} -n -F {rc} -e 'push \"{keys}\"'"
            run("script", "-qec", command, "/dev/null", env=env, stdin=b"")

        drive(f"<tag-pattern>~A<enter><tag-prefix><copy-message>{out}<enter><quit>")
        with open(out) as file:
            copied = file.read()
        for number in range(5):
            assert copied.count(f"Subject: listed {number}\n") == 1, (number, copied[:2000])
        drive("<first-entry><flag-message><delete-message><sync-mailbox><quit>")
        imap = suite.imap(BOB)
        assert imap.select()[1] == [b"4"]
        assert len(imap.search(None, "FLAGGED")[1][0].split()) == 1
        subjects = [part[1].strip() for part in imap.fetch("1:*", "(BODY.PEEK[HEADER.FIELDS (SUBJECT)])")[1]
                    if isinstance(part, tuple)]
        assert subjects == [f"Subject: listed {n}".encode() for n in (0, 2, 3, 4)], subjects
        imap.logout()


def test_mutt():
    mutt_both_ways("mutt")


def test_neomutt():
    mutt_both_ways("neomutt")


def test_getmail():
    """All of it once over each protocol; a second run fetches nothing."""
    with Suite(*ACCOUNTS) as suite:
        for number in range(5):
            suite.send(ANN, BOB, message(f"fetched {number}"))
        for kind, port in (("SimplePOP3SSLRetriever", suite.at("pop3s")[1]),
                           ("SimpleIMAPSSLRetriever", suite.at("imaps")[1])):
            home = os.path.join(suite.work, kind)
            out = os.path.join(home, "out")
            os.mkdir(home)
            rc = write(os.path.join(home, "rc"), f"""
[retriever]
type = {kind}
server = localhost
port = {port}
username = {BOB}
password = secret
ca_certs = {suite.ready['ca']}
[destination]
type = MDA_external
path = /bin/sh
arguments = ("-c", "cat >>{out}")
allow_root_commands = true
[options]
read_all = false
delete = false
""")
            for _ in range(2):
                run("getmail", "--getmaildir", home, "--rcfile", rc)
            with open(out) as file:
                text = file.read()
            for number in range(5):
                assert text.count(f"Subject: fetched {number}\n") == 1, (kind, number)
        assert count(suite, BOB) == 5


def test_offlineimap_both_ways():
    with Suite(*ACCOUNTS) as suite:
        for number in range(10):
            suite.send(ANN, BOB, message(f"synced {number}"))
        home = os.path.join(suite.work, "home")
        os.mkdir(home)
        rc = write(os.path.join(home, "rc"), f"""
[general]
accounts = test
metadata = {home}/state
[Account test]
localrepository = near
remoterepository = far
[Repository near]
type = Maildir
localfolders = {home}/mail
[Repository far]
type = IMAP
remotehost = localhost
remoteport = {suite.at('imaps')[1]}
remoteuser = {BOB}
remotepass = secret
ssl = yes
sslcacertfile = {suite.ready['ca']}
""")
        offlineimap = ["offlineimap", "-c", rc, "-o", "-u", "basic"]
        env = dict(os.environ, HOME=home)
        run(*offlineimap, env=env)
        inbox = os.path.join(home, "mail/INBOX")
        names = sorted(os.listdir(os.path.join(inbox, "new")))
        assert len(names) == 10, names
        # back: a new message, one flagged and read, one deleted
        write(os.path.join(inbox, "cur", "1234567890_1.1.here:2,S"), message("pushed").decode().replace("\r\n", "\n"))
        os.rename(os.path.join(inbox, "new", names[0]), os.path.join(inbox, "cur", names[0].split(":")[0] + ":2,FS"))
        os.unlink(os.path.join(inbox, "new", names[1]))
        run(*offlineimap, env=env)
        imap = suite.imap(BOB)
        assert imap.select()[1] == [b"10"]
        assert len(imap.search(None, "SUBJECT pushed SEEN")[1][0].split()) == 1
        assert len(imap.search(None, "FLAGGED SEEN")[1][0].split()) == 1
        before = imap.fetch("1:*", "(UID FLAGS RFC822.SIZE)")[1]
        imap.logout()
        run(*offlineimap, env=env)
        imap = suite.imap(BOB)
        imap.select()
        assert imap.fetch("1:*", "(UID FLAGS RFC822.SIZE)")[1] == before, "a third run changed something"
        imap.logout()


def node(suite, package, script, *words):
    """Runs a script of ours with a package of npm."""
    fetched = subprocess.run(
        ["npm", "install", "--silent", "--no-audit", "--no-fund", package],
        cwd=suite.work, timeout=180, env={**os.environ, "HOME": suite.work}, check=False)
    if fetched.returncode != 0:
        raise Skip("the npm registry does not answer")
    done = subprocess.run(["node", os.path.join(HERE, script), *words],
                          cwd=suite.work, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60, check=False)
    assert done.returncode == 0 and b"good" in done.stdout, done.stdout.decode()


def test_imapflow():
    with Suite(*ACCOUNTS) as suite:
        node(suite, "imapflow@1", "imapflow.mjs", str(suite.at("imaps")[1]), suite.ready["ca"], ANN)


def test_nodemailer():
    with Suite(*ACCOUNTS, "--strict") as suite:
        ports = [str(suite.at(name)[1]) for name in ("smtp", "submission", "submissions")]
        node(suite, "nodemailer@6", "nodemailer.mjs", *ports, suite.ready["ca"], ANN, BOB)
        imap = suite.imap(BOB)
        assert imap.select(readonly=True)[1] == [b"16"]
        assert imap.search(None, "TEXT", '"0123456789abcdef"')[0] == "OK"
        found = imap.search(None, "SUBJECT", '"pooled"')[1][0].split()
        assert len(found) == 10, found
        imap.logout()
        # the report that was asked for
        imap = suite.imap(ANN)
        imap.select(readonly=True)
        text = imap.fetch("1", "(BODY.PEEK[])")[1][0][1].decode()
        imap.logout()
        assert "Original-Envelope-Id: envelope-1" in text and "Action: delivered" in text, text
