"""The command itself: start, ready line, stop, restart after kill -9, and what it
says when something is in its way."""
import glob
import json
import os
import re
import signal
import socket
import subprocess
import tempfile
import time

from suite import PATIENCE, POSTROOM, SANITIZED, TOP, Suite, message, run, wait_for


def test_ready_line_is_one_line_and_true():
    with Suite() as suite:
        line = suite.process.stdout.readline()
        assert json.loads(line) == suite.ready
        assert os.path.isdir(suite.dir)
        for name in ("smtp", "submission", "submissions", "pop3", "pop3s", "imap", "imaps"):
            socket.create_connection(suite.at(name), timeout=PATIENCE).close()
        directory = suite.dir
    assert not os.path.exists(directory), "the state is gone at the end"


def test_ready_in_time():
    """From exec to the ready line; the figure is for builds without sanitizers."""
    best = None
    for _ in range(5):
        begin = time.monotonic()
        process = subprocess.Popen([POSTROOM, "test"], stdin=subprocess.PIPE,
                                   stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        assert process.stdout.readline()
        took = time.monotonic() - begin
        best = took if best is None else min(best, took)
        process.stdin.close()
        assert process.wait(PATIENCE) == 0
        process.stdout.close()
    limit = 5.0 if SANITIZED else 0.150
    assert best < limit, f"ready after {best * 1000:.0f} ms, aim {limit * 1000:.0f} ms"


def test_killed_daemons_come_back():
    with Suite() as suite:
        suite.send("ann@example.test", "bob@example.test", message("before"))
        for name in ("smtpd", "imapd", "popd", "mailboxd"):
            (old,) = suite.pids(name)
            os.kill(old, signal.SIGKILL)
            wait_for(f"{name} again", lambda: [p for p in suite.pids(name) if p != old])
        wait_for("service", lambda: suite.command("msg", "list", "bob@example.test",
                                                  check=False)[0] == 0)
        suite.send("ann@example.test", "bob@example.test", message("after"))
        rows = json.loads(suite.command("msg", "list", "bob@example.test", "--json")[1])
        assert [row["subject"] for row in rows] == ["before", "after"], rows
        state = json.loads(suite.command("status", "--json")[1])
        assert all(row["restarts"] == 1 for row in state), state


def test_stop_and_status():
    with Suite(profile="lab") as suite:
        assert "mailboxd" in suite.command("status")[1]
        assert suite.command("stop")[1] == ""
        assert suite.process.wait(PATIENCE) == 0
        status, text = suite.command("status", check=False)
        assert status == 69 and "nothing runs" in text, text


def test_commands():
    with Suite(profile="lab") as suite:
        suite.command("user", "add", "carol@example.test", "--password-stdin", stdin=b"s3cret\n")
        users = json.loads(suite.command("user", "list", "--json")[1])
        assert [u["user"] for u in users] == [
            "ann@example.test", "bob@example.test", "carol@example.test"]
        suite.imap("carol@example.test", "s3cret").logout()
        suite.command("alias", "add", "info@example.test", "ann@example.test", "bob@example.test")
        suite.command("msg", "deliver", "-", "info@example.test", stdin=b"Subject: hi\n\n.\n..x\n")
        text = suite.command("msg", "list", "--to", "bob@example.test", "--wait", "5", "--json")[1]
        (row,) = json.loads(text)
        assert row["subject"] == "hi", row
        raw = suite.command("msg", "raw", "bob@example.test", "INBOX", str(row["uid"]))[1]
        assert raw.endswith("Subject: hi\r\n\r\n.\r\n..x\r\n"), raw
        suite.command("user", "disable", "carol@example.test")
        try:
            suite.imap("carol@example.test", "s3cret")
            raise AssertionError("a disabled account logged in")
        except Exception as refused:  # imaplib.error
            assert "AUTHENTICATIONFAILED" in str(refused), refused
        status, text = suite.command("user", "add", "ann@example.test", "--password-stdin",
                                     check=False, stdin=b"x\n")
        assert status == 65, (status, text)
        status, text = suite.command("user", "rm", "nobody@example.test", check=False)
        assert status == 67 and "no such user" in text, text
        assert "sound" in suite.command("check")[1]


def refused(*argv):
    status, text = run(POSTROOM, *argv, check=False)
    assert status != 0, text
    return status, text


def test_taken_port_is_named():
    with tempfile.TemporaryDirectory() as place, socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        status, text = refused("lab", "--dir", place, "--ports", "auto",
                               "--set", f"listen.imap.address=127.0.0.1:{port}")
        assert f"127.0.0.1:{port}" in text and "ss -ltnp" in text, text


def test_bad_configuration_is_told_whole():
    with tempfile.TemporaryDirectory() as place:
        path = os.path.join(place, "bad.conf")
        with open(path, "w") as file:
            file.write("# a comment\nhostnam = x\nlimits { message = 5XB  recipents = 7 }\n"
                       "keep {\n  journal = soon\n}\n")
        for argv in (("config", "check", "-c", path), ("run", "-c", path)):
            status, text = refused(*argv)
            assert status == 78, status
            for part in (":2:", "hostname", ":3:", "limits.message", "recipients", ":5:",
                         "keep.journal"):
                assert part in text, (part, text)


def test_missing_certificate_says_what_to_do():
    with tempfile.TemporaryDirectory() as place:
        path = os.path.join(place, "postroom.conf")
        with open(path, "w") as file:
            file.write(f'data = "{place}/store"\nrun = "{place}/run"\n')
        status, text = refused("run", "-c", path)
        assert status == 78 and "tls {" in text, text
        with open(path, "a") as file:
            file.write(f'tls {{ cert = "{place}/none.pem" key = "{place}/none.key" }}\n')
        status, text = refused("run", "-c", path)
        assert "none.pem" in text and "tls.cert" in text, text


def test_wrong_words_are_told():
    for argv, part in ((("usr", "list"), "did you mean user"),
                       (("user", "lst"), "did you mean list"),
                       (("user", "list", "--jsn"), "did you mean --json"),
                       (("config", "show", "--dir", "lab"), "there is no option --dir"),
                       (("config", "explain", "mesage"), "did you mean limits.message"),
                       (("config", "explain", "milter.sokcet"), "did you mean milter.NAME.socket")):
        status, text = refused(*argv)
        assert status == 64 and part in text, (argv, status, text)
    help_text = run(POSTROOM, "--help")[1]
    assert len(help_text.splitlines()) <= 24, help_text
    for verb in ("run", "lab", "test"):
        status, text = run(POSTROOM, verb, "--help")
        assert status == 0 and text.startswith("usage: postroom " + verb), (verb, status, text)


def test_ends_with_its_input_and_two_cannot_share():
    with Suite(profile="lab") as suite:
        status, text = refused("lab", "--dir", suite.dir, "--ports", "auto")
        assert "already" in text, text


def test_every_option_is_read():
    """An option that nobody reads would be a promise that is not kept."""
    with open(os.path.join(TOP, "common", "option_rows.h")) as file:
        names = re.findall(r"^X\(([A-Z0-9_]+),", file.read(), re.MULTILINE)
    assert len(names) > 50, names
    source = ""
    for folder in ("common", "smtpd", "mailboxd", "popd", "imapd", "linkd", "postroom"):
        for path in glob.glob(os.path.join(TOP, folder, "*.c")):
            with open(path) as file:
                source += file.read()
    unread = [n for n in names if not re.search(rf"\bOPTION_{n}\b", source)]
    assert not unread, unread
