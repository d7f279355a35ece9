"""Postfix from Debian: as a relay that sends into smtpd, and as the one that delivers by LMTP into mailboxd."""
import os
import pwd
import shutil
import smtplib
import socket
import subprocess
import tempfile

from suite import PATIENCE, Skip, Suite, message, wait_for
from test_clients import ACCOUNTS, ANN, BOB, count, write

MAIN = """
compatibility_level = 3.6
queue_directory = {dir}/queue
data_directory = {dir}/data
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
mail_owner = postfix
setgid_group = postdrop
myhostname = relay.example.test
mydestination =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
mynetworks = 127.0.0.0/8
minimal_backoff_time = 2s
maximal_backoff_time = 4s
queue_run_delay = 2s
smtp_host_lookup = native
disable_dns_lookups = yes
maillog_file_prefixes = {dir}
maillog_file = {dir}/log
alias_maps =
smtputf8_autodetect_classes = sendmail, verify
"""
MASTER = """
127.0.0.1:{port} inet n - n - - smtpd
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
proxymap unix - - n - - proxymap
smtp unix - - n - - smtp
showq unix n - n - - showq
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
lmtp unix - - n - - lmtp
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
"""


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Postfix:
    """One of its own, in a directory of its own. settings: more lines of main.cf."""

    def __init__(self, settings):
        if os.geteuid() != 0:
            raise Skip("Postfix and Dovecot beside Postroom need root")
        self.dir = tempfile.mkdtemp(prefix="postroom-postfix-")
        os.chmod(self.dir, 0o755)
        self.port = free_port()
        for name in ("etc", "queue", "data"):
            os.mkdir(os.path.join(self.dir, name))
        owner = pwd.getpwnam("postfix")
        os.chown(os.path.join(self.dir, "data"), owner.pw_uid, owner.pw_gid)
        values = {"dir": self.dir, "port": self.port}
        write(os.path.join(self.dir, "etc/main.cf"), MAIN.format(**values) + settings, 0o644)
        write(os.path.join(self.dir, "etc/master.cf"), MASTER.format(**values), 0o644)
        self.command = ["postfix", "-c", os.path.join(self.dir, "etc")]

    def __enter__(self):
        try:
            subprocess.run(self.command + ["start"], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                           timeout=PATIENCE)
            wait_for("Postfix", self._answers)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *problem):
        subprocess.run(self.command + ["stop"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=PATIENCE,
                       check=False)
        if problem and problem[0]:
            print(self.log())
        shutil.rmtree(self.dir, ignore_errors=True)

    def _answers(self):
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=2) as s:
                return s.recv(4) == b"220 "
        except OSError:
            return False

    def log(self):
        try:
            with open(os.path.join(self.dir, "log")) as file:
                return file.read()
        except OSError:
            return ""

    def send(self, sender, recipients, octets, **options):
        with smtplib.SMTP("127.0.0.1", self.port, timeout=PATIENCE) as client:
            client.sendmail(sender, recipients, octets, **options)

    def waiting(self):
        number = 0
        for queue in ("incoming", "active", "deferred", "maildrop"):
            for _, _, files in os.walk(os.path.join(self.dir, "queue", queue)):
                number += len(files)
        return number


def last_received(suite, user, uid):
    imap = suite.imap(user)
    imap.select(readonly=True)
    text = imap.fetch(str(uid), "(BODY.PEEK[HEADER])")[1][0][1].decode()
    imap.logout()
    return text.replace("\r\n\t", " ").replace("\r\n ", " ")


def test_relay_into_smtpd():
    """Over STARTTLS that is verified, pipelined, to several recipients; what is unknown comes back as a report."""
    with Suite(*ACCOUNTS, profile="lab") as suite:
        settings = f"""
relayhost = [localhost]:{suite.at('smtp')[1]}
smtp_tls_security_level = verify
smtp_tls_CAfile = {suite.ready['ca']}
smtp_tls_loglevel = 1
"""
        os.chmod(suite.work, 0o755)
        with Postfix(settings) as postfix:
            for number in range(20):
                postfix.send("carl@relay.example.test", [ANN, BOB], message(f"relayed {number}"))
            postfix.send("carl@relay.example.test", [BOB],
                         message("large", body="0123456789 abcdefghijklmnopqrstuvwxyz\n" * 50000))
            postfix.send(ANN, [BOB, "nobody@example.test"], message("to nobody"))
            postfix.send("gr\u00fc\u00dfe@relay.example.test", [BOB], "Subject: Gr\u00fc\u00dfe\r\n\r\nhello\r\n".encode(),
                         mail_options=["SMTPUTF8", "BODY=8BITMIME"])
            wait_for("all of it", lambda: count(suite, BOB) == 23 and count(suite, ANN) == 21, pause=0.5)
            wait_for("the queue", lambda: postfix.waiting() == 0)
            header = last_received(suite, BOB, 1)
            assert "with ESMTPS (TLSv1.3 TLS_AES_256_GCM_SHA384)" in header, header
            assert "Received: from relay.example.test" in header, header
            # the report of Postfix itself, with our reply in it
            imap = suite.imap(ANN)
            imap.select()
            found = imap.search(None, "BODY", '"5.1.1"')[1][0].split()
            assert len(found) == 1, found
            imap.logout()
            log = postfix.log()
            assert "Verified TLS connection established to localhost" in log, log
            assert "status=deferred" not in log and "Conversation" not in log, log


def test_relay_by_submission():
    """SASL PLAIN inside STARTTLS; a sender of somebody else is refused, and told."""
    with Suite(*ACCOUNTS, profile="lab") as suite:
        settings = f"""
relayhost = [localhost]:{suite.at('submission')[1]}
smtp_tls_security_level = verify
smtp_tls_CAfile = {suite.ready['ca']}
smtp_sasl_auth_enable = yes
smtp_sasl_password_maps = inline:{{ {{ [localhost]:{suite.at('submission')[1]} = {ANN}:secret }} }}
smtp_sasl_security_options = noanonymous
smtp_sasl_tls_security_options = noanonymous
"""
        os.chmod(suite.work, 0o755)
        with Postfix(settings) as postfix:
            postfix.send(ANN, [BOB], message("submitted by Postfix"))
            wait_for("it", lambda: count(suite, BOB) == 1)
            header = last_received(suite, BOB, 1)
            assert "with ESMTPSA (TLSv1.3 " in header, header
            postfix.send(BOB, [ANN], message("not mine", sender=BOB))
            wait_for("the refusal", lambda: "553 5.7.1" in postfix.log())
            wait_for("the queue", lambda: postfix.waiting() == 0)


def test_a_mailbox_server_that_is_away():
    """What Postfix is told 451 stays in its queue, and goes when mailboxd is back: once."""
    with Suite(*ACCOUNTS, profile="lab") as suite:
        settings = f"relayhost = [localhost]:{suite.at('smtp')[1]}\n"
        os.chmod(suite.work, 0o755)
        with Postfix(settings) as postfix:
            for number in range(10):
                if number == 3:
                    os.kill(suite.pids("mailboxd")[0], 9)
                postfix.send("carl@relay.example.test", [BOB], message(f"kept {number}"))
            wait_for("all of it", lambda: postfix.waiting() == 0, timeout=2 * PATIENCE)
            imap = wait_for("IMAP", lambda: suite.imap(BOB))
            assert imap.select(readonly=True)[1] == [b"10"]
            imap.logout()


def test_delivery_by_lmtp():
    """virtual_transport into lmtp.sock: `users.lmtp` lets its user in, nobody else."""
    with Suite(*ACCOUNTS, "--set", "users.lmtp=postfix", profile="lab") as suite:
        path = suite.ready["lmtp"]
        for directory in (suite.work, suite.dir, os.path.dirname(path)):
            os.chmod(directory, 0o755)
        os.chmod(path, 0o666)	# a server's postfix is in the group postroom-lmtp
        settings = f"""
virtual_mailbox_domains = example.test
virtual_mailbox_maps = static:ok
virtual_transport = lmtp:unix:{path}
lmtp_destination_recipient_limit = 100
"""
        with Postfix(settings) as postfix:
            for number in range(10):
                postfix.send("carl@elsewhere.example", [ANN, BOB, "ann+lists@example.test"], message(f"by lmtp {number}"))
            postfix.send(ANN, ["nobody@example.test", BOB], message("to nobody"))
            postfix.send("carl@elsewhere.example", [BOB],
                         message("large", body="0123456789 abcdefghijklmnopqrstuvwxyz\n" * 50000))
            wait_for("the queue", lambda: postfix.waiting() == 0, pause=0.5)
            # ann and ann+lists are one mailbox, which gets a message once; and the report
            assert (count(suite, ANN), count(suite, BOB)) == (11, 12), (count(suite, ANN), count(suite, BOB))
            assert "550 5.1.1" in postfix.log(), postfix.log()
            assert "status=deferred" not in postfix.log(), postfix.log()
            header = last_received(suite, BOB, 1)
            assert header.startswith("Return-Path: <carl@elsewhere.example>") or "Return-Path: <carl@" in header, header
            assert "Delivered-To: bob@example.test" in header, header
    with Suite(*ACCOUNTS, profile="lab") as suite:
        path = suite.ready["lmtp"]
        for directory in (suite.work, suite.dir, os.path.dirname(path)):
            os.chmod(directory, 0o755)
        os.chmod(path, 0o666)
        settings = f"""
virtual_mailbox_domains = example.test
virtual_mailbox_maps = static:ok
virtual_transport = lmtp:unix:{path}
"""
        with Postfix(settings) as postfix:
            postfix.send("carl@elsewhere.example", [BOB], message("refused"))
            wait_for("the end", lambda: "status=deferred" in postfix.log())
            assert count(suite, BOB) == 0
