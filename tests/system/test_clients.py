"""Real clients from Debian, with their default configuration where they have one."""
import os
import re
import smtplib

from suite import POSTROOM, Suite, message, run

ANN, BOB = "ann@example.test", "bob@example.test"
ACCOUNTS = ("--user", f"{ANN}:secret", "--user", f"{BOB}:secret")


def write(path, text, mode=0o600):
    with open(path, "w") as file:
        file.write(text)
    os.chmod(path, mode)
    return path


def file_of(suite, name, octets):
    path = os.path.join(suite.work, name)
    with open(path, "wb") as file:
        file.write(octets)
    return path


def count(suite, user, mailbox="INBOX"):
    imap = suite.imap(user)
    number = int(imap.select(mailbox, readonly=True)[1][0])
    imap.logout()
    return number


def test_curl():
    with Suite(*ACCOUNTS) as suite:
        mail = file_of(suite, "mail", message("by curl"))
        where = {name: "%s:%d" % suite.at(name) for name in suite.ready if name in (
            "smtp", "submission", "submissions", "pop3", "pop3s", "imap", "imaps")}
        ca = ["--cacert", suite.ready["ca"], "--silent", "--show-error"]
        to = ["--mail-from", ANN, "--mail-rcpt", BOB, "--upload-file", mail]
        login = ["--user", f"{ANN}:secret"]
        run("curl", *ca, f"smtp://{where['smtp']}", *to)
        run("curl", *ca, "--ssl-reqd", f"smtp://localhost:{suite.at('smtp')[1]}", *to)
        run("curl", *ca, "--ssl-reqd", *login, f"smtp://localhost:{suite.at('submission')[1]}", *to)
        run("curl", *ca, *login, f"smtps://localhost:{suite.at('submissions')[1]}", *to)
        assert count(suite, BOB) == 4
        login = ["--user", f"{BOB}:secret"]
        for url in (f"pop3://{where['pop3']}/1", f"pop3s://localhost:{suite.at('pop3s')[1]}/2",
                    f"imap://{where['imap']}/INBOX;UID=3", f"imaps://localhost:{suite.at('imaps')[1]}/INBOX;UID=4"):
            text = run("curl", *ca, *login, url)[1]
            assert "Subject: by curl" in text, (url, text)
        for url in (f"pop3://localhost:{suite.at('pop3')[1]}/1", f"imap://localhost:{suite.at('imap')[1]}/INBOX;UID=1"):
            assert "Subject: by curl" in run("curl", *ca, "--ssl-reqd", *login, url)[1]
        assert re.search(r"LIST .*INBOX", run("curl", *ca, *login, f"imap://{where['imap']}/")[1])
        assert "* SEARCH 1 2 3 4" in run(
            "curl", *ca, *login, f"imap://{where['imap']}/INBOX", "-X", "SEARCH SUBJECT curl")[1]
        status, text = run("curl", *ca, "--user", f"{BOB}:wrong", f"imap://{where['imap']}/", check=False)
        assert status == 67, (status, text)


def test_swaks():
    with Suite(*ACCOUNTS) as suite:
        host, port = suite.at("smtp")
        base = ["swaks", "--from", ANN, "--to", BOB, "--timeout", "30"]
        text = run(*base, "--server", host, "--port", str(port))[1]
        assert "250 2.0.0" in text
        run(*base, "--server", host, "--port", str(port), "--tls")
        run(*base, "--server", host, "--port", str(suite.at("submission")[1]), "--tls",
            "--auth", "PLAIN", "--auth-user", ANN, "--auth-password", "secret")
        run(*base, "--server", host, "--port", str(suite.at("submissions")[1]), "--tls-on-connect",
            "--auth", "LOGIN", "--auth-user", ANN, "--auth-password", "secret")
        run(*base, "--protocol", "LMTP", "--socket", suite.ready["lmtp"])
        run(*base, "--server", host, "--port", str(port), "--pipeline")
        assert count(suite, BOB) == 6
        status, text = run(*base, "--server", host, "--port", str(suite.at("submission")[1]), "--tls",
                           "--auth", "PLAIN", "--auth-user", ANN, "--auth-password", "wrong", check=False)
        assert status != 0 and "535 5.7.8" in text, text


def test_msmtp():
    with Suite(*ACCOUNTS) as suite:
        config = write(os.path.join(suite.work, "msmtprc"), f"""
defaults
tls_trust_file {suite.ready['ca']}
logfile {suite.work}/msmtp.log
host localhost
from {ANN}
auth on
user {ANN}
password secret
tls on
account starttls
port {suite.at('submission')[1]}
account implicit
port {suite.at('submissions')[1]}
tls_starttls off
""")
        for account in ("starttls", "implicit"):
            run("msmtp", "-C", config, "-a", account, BOB, stdin=message(f"by msmtp {account}"))
        assert count(suite, BOB) == 2


def test_mbsync_both_ways():
    with Suite(*ACCOUNTS) as suite:
        for number in range(20):
            suite.send(ANN, BOB, message(f"pull {number}"))
        store = os.path.join(suite.work, "maildir")
        os.mkdir(store)
        config = write(os.path.join(suite.work, "mbsyncrc"), f"""
IMAPAccount postroom
Host localhost
Port {suite.at('imaps')[1]}
User {BOB}
Pass secret
SSLType IMAPS
CertificateFile {suite.ready['ca']}

IMAPStore far
Account postroom

MaildirStore near
Path {store}/
Inbox {store}/INBOX
SubFolders Verbatim

Channel all
Far :far:
Near :near:
Patterns *
Create Both
Remove Both
Expunge Both
Sync All
SyncState *
""")
        mbsync = ["mbsync", "-c", config, "all"]
        run(*mbsync)
        new = os.path.join(store, "INBOX", "new")
        cur = os.path.join(store, "INBOX", "cur")
        assert len(os.listdir(new)) + len(os.listdir(cur)) == 20
        # push: a message made here, one deleted here, one flagged here
        names = sorted(os.listdir(new))
        write(os.path.join(cur, "1234567890.M1P1.here:2,S"), message("pushed").decode().replace("\r\n", "\n"))
        os.unlink(os.path.join(new, names[0]))
        os.rename(os.path.join(new, names[1]), os.path.join(cur, names[1].split(":")[0] + ":2,FS"))
        os.makedirs(os.path.join(store, "Projects", "cur"))
        os.makedirs(os.path.join(store, "Projects", "new"))
        os.makedirs(os.path.join(store, "Projects", "tmp"))
        run(*mbsync)
        imap = suite.imap(BOB)
        assert int(imap.select("INBOX")[1][0]) == 20
        assert len(imap.search(None, "SUBJECT pushed")[1][0].split()) == 1
        assert len(imap.search(None, "FLAGGED SEEN")[1][0].split()) == 1
        assert imap.select("Projects")[0] == "OK"
        imap.logout()

        def everything():
            found = {}
            for top, _, files in os.walk(store):
                for name in files:
                    if not name.startswith("."):
                        found[os.path.join(top, name)] = os.stat(os.path.join(top, name)).st_mtime_ns
            return found

        def server_side():
            imap = suite.imap(BOB)
            imap.select("INBOX", readonly=True)
            answer = imap.fetch("1:*", "(UID FLAGS INTERNALDATE RFC822.SIZE)")[1]
            imap.logout()
            return answer

        before = everything(), server_side()
        run(*mbsync)
        assert (everything(), server_side()) == before, "a second run changed something"


def test_fetchmail():
    with Suite(*ACCOUNTS) as suite:
        for number in range(5):
            suite.send(ANN, BOB, message(f"fetch {number}"))
        out = os.path.join(suite.work, "fetched")
        for protocol, port in (("pop3", suite.at("pop3s")[1]), ("imap", suite.at("imaps")[1])):
            config = write(os.path.join(suite.work, "fetchmailrc"), f"""
poll localhost with protocol {protocol} port {port}
  user "{BOB}" there with password "secret"
  ssl sslproto "TLS1.2+" sslcertck sslcertfile {suite.ready['ca']}
  mda "cat >>{out}.{protocol}" keep fetchall
""")
            home = os.path.join(suite.work, f"home-{protocol}")
            os.mkdir(home)
            run("fetchmail", "-f", config, "--nodetach", "--nosyslog", "--pidfile", f"{home}/pid",
                "--idfile", f"{home}/ids", env=dict(os.environ, HOME=home, FETCHMAILHOME=home))
            with open(f"{out}.{protocol}") as file:
                text = file.read()
            for number in range(5):
                assert text.count(f"Subject: fetch {number}\n") == 1, (protocol, number)
        assert count(suite, BOB) == 5


def test_python():
    with Suite(*ACCOUNTS) as suite:
        host, port = suite.at("submission")
        with smtplib.SMTP(host, port) as client:
            client.starttls(context=suite.tls_context())
            client.login(ANN, "secret")
            client.sendmail(ANN, [BOB], message("python"))
        imap = suite.imap_tls(BOB)
        assert imap.select()[1] == [b"1"]
        assert imap.create("Work/Deep")[0] == "OK"
        assert imap.copy("1", "Work/Deep")[0] == "OK"
        assert imap.rename("Work", "Play")[0] == "OK"
        assert imap.status("Play/Deep", "(MESSAGES UIDNEXT UNSEEN)")[1][0].startswith(b"Play/Deep")
        assert imap.append("Play/Deep", r"(\Seen custom)", None, message("appended"))[0] == "OK"
        names = [row.decode().rsplit(" ", 1)[1].strip('"') for row in imap.list()[1]]
        for name in ("INBOX", "Drafts", "Sent", "Junk", "Trash", "Archive", "Play", "Play/Deep"):
            assert name in names, names
        assert imap.delete("Play/Deep")[0] == "OK"
        imap.logout()
        pop = suite.pop(BOB)
        assert pop.stat()[0] == 1
        assert b"Subject: python" in b"\n".join(pop.top(1, 0)[1])
        pop.quit()


def test_lab_refuses_strangers():
    with Suite(profile="lab") as suite:
        with suite.smtp() as client:
            client.ehlo()
            client.mail("x@elsewhere.example")
            code, text = client.rcpt("y@elsewhere.example")
            assert code == 550 and text.startswith(b"5.7.1"), (code, text)
            code, text = client.rcpt("nobody@example.test")
            assert code == 550 and text.startswith(b"5.1.1"), (code, text)
            for good in ("postmaster", "Postmaster@example.test", "ann+lists@example.test", "ANN@Example.Test"):
                assert client.rcpt(good)[0] == 250, good
        host, port = suite.at("submission")
        with smtplib.SMTP(host, port) as client:
            client.starttls(context=suite.tls_context())
            client.ehlo()
            code, text = client.mail(ANN)
            assert code == 530, (code, text)
            client.login(ANN, "secret")
            client.mail(ANN)
            code, text = client.rcpt("y@elsewhere.example")
            assert code == 550 and text.startswith(b"5.7.1"), (code, text)


def test_command_line():
    with Suite(profile="lab") as suite:
        assert "ann@example.test" in suite.command("user", "list")[1]
        suite.command("user", "add", "carol@example.test", "--password-stdin", stdin=b"opensesame\n")
        suite.command("alias", "add", "info@example.test", "carol@example.test")
        suite.send(ANN, "info@example.test", message("to an alias"))
        assert count_with(suite, "carol@example.test", "opensesame") == 1
        text = suite.command("alias", "resolve", "info@example.test")[1]
        assert "carol@example.test" in text
        status, text = suite.command("alias", "add", "info@example.test", "x@elsewhere.example", check=False)
        assert status != 0 and "elsewhere.example" in text, text
        suite.command("alias", "add", "loop@example.test", "info@example.test")
        status, text = suite.command("alias", "add", "info@example.test", "loop@example.test", check=False)
        assert status != 0 and "loop" in text, text
        text = suite.command("domain", "add", "other.example")[1]
        assert "postmaster" in text and "abuse" in text, text
        assert "other.example" in suite.command("domain", "list")[1]
        assert run(POSTROOM, "status", "--dir", suite.dir)[1].count("mailboxd") >= 1


def count_with(suite, user, password):
    imap = suite.imap(user, password)
    number = int(imap.select("INBOX", readonly=True)[1][0])
    imap.logout()
    return number
