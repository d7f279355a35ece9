"""Debian's own filters: opendkim signs what is submitted and verifies it on port 25, rspamd refuses and marks."""
import os
import shutil
import smtplib
import subprocess
import tempfile

from milters import Program, is_missing
from suite import PATIENCE, Skip, Suite, message

ANN = "ann@example.test"
BOB = "bob@example.test"


GTUBE = "XJS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X"


def need(*programs):
    for program in is_missing(*programs):
        raise Skip(f"{program} is not installed")


def make_key(folder):
    """A key, and where a verifier finds its public half without DNS."""
    subprocess.run(["opendkim-genkey", "-b", "2048", "-d", "example.test", "-s", "s1", "-D", folder],
                   check=True, timeout=PATIENCE, env=dict(os.environ, PATH=os.environ["PATH"] + ":/usr/sbin"))
    text = open(os.path.join(folder, "s1.txt")).read()
    record = "".join(part for part in text.split('"')[1::2])
    keys = os.path.join(folder, "keys")
    with open(keys, "w") as file:
        file.write(f"s1._domainkey.example.test {record}\n")
    return os.path.join(folder, "s1.private"), keys


def opendkim(folder, name, lines):
    path = os.path.join(folder, f"{name}.sock")
    conf = os.path.join(folder, f"{name}.conf")
    with open(conf, "w") as file:
        file.write(f"Socket local:{path}\nBackground no\nSyslog no\nUMask 000\nRequireSafeKeys no\n")
        file.write(lines)
    return path, Program(["opendkim", "-f", "-x", conf], path, os.path.join(folder, f"{name}.log"))


def submit(suite, text):
    with smtplib.SMTP(*suite.at("submission"), timeout=PATIENCE) as client:
        client.starttls(context=suite.tls_context())
        client.login(ANN, "secret")
        client.sendmail(ANN, [BOB], text)


def fetch(suite, user, number, mailbox="INBOX"):
    with suite.imap(user) as client:
        assert client.select(mailbox)[0] == "OK"
        return client.fetch(str(number), "(FLAGS BODY.PEEK[])")[1][0]


def test_opendkim():
    need("opendkim", "opendkim-genkey")
    folder = tempfile.mkdtemp(prefix="postroom-dkim-")
    programs = []
    try:
        private, keys = make_key(folder)
        signer, program = opendkim(folder, "sign", f"Mode s\nDomain example.test\nSelector s1\nKeyFile {private}\n"
                                                   "Canonicalization relaxed/simple\n")
        programs.append(program)
        verifier, program = opendkim(folder, "verify", f"Mode v\nTestDNSData {keys}\nOn-BadSignature reject\n"
                                                       "On-NoSignature accept\nAuthservID mx.example.test\n")
        programs.append(program)
        with Suite("--set", f"milter.sign.socket={signer}", "--set", "milter.sign.listen=submission",
                   "--set", f"milter.verify.socket={verifier}", "--set", "milter.verify.listen=smtp",
                   "--set", "trusted=192.0.2.1", "--set", "hostname=mx.example.test", profile="lab") as suite:
            submit(suite, message("to be signed", body="line\n.dot\n" + "long\n" * 40000))
            signed = fetch(suite, BOB, 1)[1]
            assert b"DKIM-Signature: v=1;" in signed.split(b"\r\n\r\n")[0], signed[:2000]
            # it comes back from outside, as it is, and then changed
            at = signed.index(b"DKIM-Signature:")
            with suite.smtp() as client:
                client.sendmail(ANN, [BOB], signed[at:])
            head = fetch(suite, BOB, 2)[1].split(b"\r\n\r\n")[0]
            assert b"Authentication-Results: mx.example.test;" in head and b"dkim=pass" in head, head
            with suite.smtp() as client:
                try:
                    client.sendmail(ANN, [BOB], signed[at:].replace(b"\r\nlong", b"\r\nlonger", 1))
                    raise AssertionError("a broken signature was taken")
                except smtplib.SMTPDataError as problem:
                    assert problem.smtp_code == 550, problem
            # a result in our name from outside is nobody's
            with suite.smtp() as client:
                client.sendmail("x@elsewhere.test", [BOB], b"Authentication-Results: mx.example.test; dkim=pass\r\n"
                                b"Subject: forged\r\n\r\nx\r\n")
            head = fetch(suite, BOB, 3)[1].split(b"\r\n\r\n")[0]
            assert b"dkim=pass" not in head, head
    finally:
        for program in programs:
            program.stop()
        shutil.rmtree(folder)


def rspamd(folder):
    """A proxy that scans by itself, with one rule and no network."""
    path = os.path.join(folder, "rspamd.sock")
    conf = os.path.join(folder, "rspamd.conf")
    with open(os.path.join(folder, "tld"), "w") as file:
        file.write("com\nnet\norg\ntest\n")
    with open(conf, "w") as file:
        file.write(f"""
options {{
    pidfile = "{folder}/pid"; hs_cache_dir = "{folder}"; url_tld = "{folder}/tld"; filters = "regexp";
    control_socket = "{folder}/control.sock mode=0600";
    dns {{ nameserver = ["127.0.0.1:9"]; timeout = 0.1s; retransmits = 1; }}
}}
logging {{ type = "console"; level = "info"; }}
worker "rspamd_proxy" {{
    bind_socket = "{path} mode=0666"; milter = yes; count = 1; spam_header = "X-Spam";
    upstream "local" {{ default = yes; self_scan = yes; }}
}}
actions {{ reject = 15; add_header = 6; }}
regexp {{ JUNK_SUBJECT {{ re = "Subject=/buy now/i{{header}}"; score = 8.0; }} }}
""")
    return path, Program(["rspamd", "-c", conf, "-f", "-i"], path, os.path.join(folder, "rspamd.log"))


def test_rspamd():
    need("rspamd")
    folder = tempfile.mkdtemp(prefix="postroom-rspamd-")
    programs = []
    try:
        path, program = rspamd(folder)
        programs.append(program)
        with Suite("--set", f"milter.rspamd.socket={path}", "--set", "trusted=192.0.2.1", profile="lab") as suite:
            with suite.smtp() as client:
                client.sendmail("x@elsewhere.test", [BOB], message("fine"))
                try:
                    client.sendmail("x@elsewhere.test", [BOB], message("gtube", body=GTUBE + "\n"))
                    raise AssertionError("GTUBE was taken")
                except smtplib.SMTPDataError as problem:
                    assert (problem.smtp_code, problem.smtp_error[:6]) == (554, b"5.7.1 "), problem
                client.sendmail("x@elsewhere.test", [BOB], b"X-Spam: No\r\n" + message("Buy now"))
            assert b"\r\nSubject: fine\r\n" in fetch(suite, BOB, 1)[1]
            flags, octets = fetch(suite, BOB, 1, "Junk")
            assert b"$Junk" in flags and b"\r\nX-Spam: Yes\r\n" in octets and b"X-Spam: No" not in octets, (flags, octets)
    finally:
        for program in programs:
            program.stop()
        shutil.rmtree(folder)


def test_opendmarc():
    """What opendkim found, and the policy of the domain, which has none here: DNS is not asked."""
    need("opendmarc")
    folder = tempfile.mkdtemp(prefix="postroom-dmarc-")
    programs = []
    try:
        path = os.path.join(folder, "dmarc.sock")
        conf = os.path.join(folder, "dmarc.conf")
        with open(os.path.join(folder, "ignore"), "w") as file:
            file.write("192.0.2.254\n")   # without it those on loopback are
        with open(conf, "w") as file:
            file.write(f"IgnoreHosts {folder}/ignore\nSocket local:{path}\nBackground false\nSyslog false\nUMask 000\nRejectFailures false\n"
                       "AuthservID mx.example.test\nSPFIgnoreResults true\nSPFSelfValidate false\n")
        programs.append(Program(["opendmarc", "-c", conf, "-f"], path, os.path.join(folder, "log")))
        with Suite("--set", f"milter.dmarc.socket={path}", "--set", "trusted=192.0.2.1", profile="lab") as suite:
            with suite.smtp() as client:
                client.sendmail("x@elsewhere.test", [BOB], message("policy", sender="x@elsewhere.test"))
            octets = fetch(suite, BOB, 1)[1]
            assert b"Authentication-Results: mx.example.test; dmarc=" in octets, octets
    finally:
        for program in programs:
            program.stop()
        shutil.rmtree(folder)
