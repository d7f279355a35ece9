"""Certificates by name, taken up when their files change, with the days they are still good."""
import json
import os
import shutil
import socket
import ssl
import tempfile

from suite import PATIENCE, POSTROOM, Suite, run, wait_for


def make(directory, name, days):
    """A certificate of its own for name, good for so many days; (certificate, key)."""
    cert, key = (os.path.join(directory, f"{name}.{what}") for what in ("cert", "key"))
    run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
        "-keyout", key, "-out", cert, "-days", str(days), "-subj", f"/CN={name}", "-addext", f"subjectAltName=DNS:{name}")
    return cert, key


def subject(suite, listener, name):
    """The DNS names of the certificate that a client which asks for name is given."""
    context = ssl.create_default_context(cafile=suite.ready["ca"])
    for file in os.listdir(suite.extra):
        if file.endswith(".cert"):
            context.load_verify_locations(os.path.join(suite.extra, file))
    context.check_hostname = False
    with socket.create_connection(suite.at(listener), timeout=PATIENCE) as raw:
        with context.wrap_socket(raw, server_hostname=name) as client:
            return [value for kind, value in client.getpeercert()["subjectAltName"] if kind == "DNS"]


def test_certificates_by_name():
    directory = tempfile.mkdtemp(prefix="postroom-certificates-")
    try:
        one, many = make(directory, "mail.one.test", 90), make(directory, "wild.two.test", 10)
        sets = []
        for title, pair in (("mail.one.test", one), ("*.two.test", many)):
            sets += ["--set", f'certificate."{title}".cert={pair[0]}', "--set", f'certificate."{title}".key={pair[1]}']
        with Suite(*sets, profile="lab") as suite:
            suite.extra = directory
            for listener in ("imaps", "pop3s", "submissions"):
                assert subject(suite, listener, "mail.one.test") == ["mail.one.test"]
                assert subject(suite, listener, "a.two.test") == ["wild.two.test"]
                assert "localhost" in subject(suite, listener, "a.b.two.test")
                assert "localhost" in subject(suite, listener, "elsewhere.test")
            rows = json.loads(suite.command("status", "--json")[1])
            found = {c["name"]: c["days"] for row in rows if row["daemon"] == "imapd" for c in row["certificates"]}
            assert set(found) == {"default", "mail.one.test", "*.two.test"}, found
            assert 88 <= found["mail.one.test"] <= 90 and 8 <= found["*.two.test"] <= 10, found
            assert "*.two.test" in suite.command("status")[1]
            wait_for("the warning", lambda: "the *.two.test certificate ends in" in suite.log_text())
            assert "the mail.one.test certificate ends" not in suite.log_text()
            # renewed: no reload is asked for
            shutil.copy(one[0], os.path.join(directory, "old.cert"))
            fresh = make(directory, "fresh.one.test", 60)
            shutil.copy(fresh[0], os.path.join(directory, "known.cert"))
            os.replace(fresh[1], one[1])
            os.replace(fresh[0], one[0])
            wait_for("the new one", lambda: subject(suite, "imaps", "mail.one.test") == ["fresh.one.test"])
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def test_a_pair_that_does_not_match_is_told():
    directory = tempfile.mkdtemp(prefix="postroom-certificates-")
    try:
        one, two = make(directory, "one.test", 90), make(directory, "two.test", 90)
        for cert, key, words in ((one[0], two[1], "the key is not that of the certificate"),
                                 (one[0], os.path.join(directory, "none"), "No such file"),
                                 (one[0], "", "key is missing")):
            status, text = run(POSTROOM, "lab", "--dir", os.path.join(directory, "lab"), "--ports", "auto",
                               "--set", f'certificate."one.test".cert={cert}',
                               "--set", f'certificate."one.test".key={key}', check=False)
            assert status != 0 and "one.test" in text and words in text, (status, text)
    finally:
        shutil.rmtree(directory, ignore_errors=True)
