"""Starts the whole suite on loopback and stops it again, for the system tests.

Every wait here has a deadline. What the daemons print goes to a log that is
searched for sanitizer reports when the suite ends; it is shown when a test
fails.
"""
import imaplib
import json
import os
import poplib
import re
import shutil
import signal
import smtplib
import socket
import ssl
import subprocess
import tempfile
import threading
import time

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.environ.get("POSTROOM_BUILD", os.path.join(TOP, "build"))
POSTROOM = os.path.join(BUILD, "postroom", "postroom")
# Without sanitizers, which open files of their own and do not bear a tracer.
PLAIN_BUILD = os.environ.get("POSTROOM_PLAIN", BUILD)
# run.py sets it before the tests are read: long loops.
FULL = False
SANITIZED = os.environ.get("POSTROOM_SANITIZED", "") == "1"
# What one step may take; sanitizers and two busy cores make everything slower.
PATIENCE = 60.0
REPORTS = re.compile(
    r"(AddressSanitizer|LeakSanitizer|runtime error:|Sanitizer:DEADLYSIGNAL"
    r"|Assertion .* failed|event=sandbox\.violation)")

# No limit of imaplib's own on a line.
imaplib._MAXLINE = 50_000_000
poplib._MAXLINE = 50_000_000


class Skip(Exception):
    """Raised by a test that cannot run here; its text must be in tests/skips."""


def run(*argv, timeout=PATIENCE, check=True, stdin=None, env=None):
    """Runs a client; gives (status, stdout+stderr text). check: status must be 0."""
    done = subprocess.run(
        argv, input=stdin, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        timeout=timeout, env=env)
    text = done.stdout.decode("utf-8", "replace")
    if check and done.returncode != 0:
        raise AssertionError(f"{argv[0]} ended with {done.returncode}:\n{' '.join(argv)}\n{text}")
    return done.returncode, text


def wait_for(what, question, timeout=PATIENCE, pause=0.02):
    """Asks until the answer is true; AssertionError names what never came."""
    end = time.monotonic() + timeout
    while True:
        answer = question()
        if answer:
            return answer
        if time.monotonic() > end:
            raise AssertionError(f"{what}: not within {timeout:g} s")
        time.sleep(pause)


class Suite:
    """A running suite. profile: test, lab or run. Use it in a with statement."""

    def __init__(self, *args, profile="test", env=None, prefix=(), directory=None, build=BUILD):
        self.work = tempfile.mkdtemp(prefix="postroom-system-")
        self.log_path = os.path.join(self.work, "log")
        self.profile = profile
        argv = [*prefix, os.path.join(build, "postroom", "postroom"), profile]
        if profile == "lab":
            argv += ["--dir", directory or os.path.join(self.work, "lab")]
            if not any(a.startswith("--ports") for a in args):
                argv += ["--ports", "auto"]
        ready = os.path.join(self.work, "ready")
        argv += ["--ready", ready, *args]
        self.ready_path = ready
        self.log = open(self.log_path, "wb")
        environment = dict(os.environ, **(env or {}))
        self.process = subprocess.Popen(
            argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.log,
            env=environment, cwd=self.work, start_new_session=True)
        try:
            wait_for("the ready line", self._is_ready)
        except AssertionError as problem:
            self._kill()
            raise AssertionError(f"{problem}\n{self.log_text()}")
        with open(ready) as file:
            self.ready = json.loads(file.readline())
        self.dir = self.ready["dir"]

    def _is_ready(self):
        if self.process.poll() is not None:
            raise AssertionError(f"postroom ended with {self.process.returncode} before it was ready")
        return os.path.exists(self.ready_path) and os.path.getsize(self.ready_path) > 0

    # ---- what is where
    def at(self, name):
        host, port = self.ready[name].rsplit(":", 1)
        return host.strip("[]"), int(port)

    def pids(self, daemon):
        """The process ids now (the ready line has the first ones)."""
        out = subprocess.run([POSTROOM, "status", "--json", "--dir", self.dir], timeout=PATIENCE,
                             stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True).stdout
        found = []
        for row in json.loads(out):
            if row["daemon"] == daemon and row.get("pid"):
                found.append(int(row["pid"]))
        return found

    def command(self, *args, check=True, stdin=None):
        return run(POSTROOM, *args, "--dir", self.dir, check=check, stdin=stdin)

    def tls_context(self):
        context = ssl.create_default_context(cafile=self.ready["ca"])
        context.check_hostname = False
        return context

    # ---- clients of Python's own
    def smtp(self, name="smtp", **kw):
        host, port = self.at(name)
        return smtplib.SMTP(host, port, timeout=PATIENCE, **kw)

    def imap(self, user=None, password="secret", name="imap"):
        host, port = self.at(name)
        client = imaplib.IMAP4(host, port, timeout=PATIENCE)
        if user:
            client.login(user, password)
        return client

    def imap_tls(self, user=None, password="secret"):
        host, port = self.at("imaps")
        client = imaplib.IMAP4_SSL(host, port, ssl_context=self.tls_context(), timeout=PATIENCE)
        if user:
            client.login(user, password)
        return client

    def pop(self, user=None, password="secret", name="pop3"):
        host, port = self.at(name)
        client = poplib.POP3(host, port, timeout=PATIENCE)
        if user:
            client.user(user)
            client.pass_(password)
        return client

    def send(self, sender, recipients, message, **kw):
        if isinstance(recipients, str):
            recipients = [recipients]
        with self.smtp(**kw) as client:
            refused = client.sendmail(sender, recipients, message)
            assert not refused, refused

    # ---- the end
    def log_text(self):
        with open(self.log_path, "rb") as file:
            return file.read().decode("utf-8", "replace")

    def _kill(self):
        if self.process.poll() is None:
            try:
                os.killpg(self.process.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
            self.process.wait(PATIENCE)

    def _close(self):
        """No sanitizer's report may stand in what it printed; gives that text."""
        self.process.stdout.close()
        self.log.close()
        text = self.log_text()
        report = REPORTS.search(text)
        assert not report, f"report in the log:\n{text[max(0, report.start() - 500):report.start() + 6000]}"
        return text

    def kill(self):
        """kill -9 for postroom and all daemons at once. What is in dir stays."""
        self._kill()
        self._close()
        if not self.dir.startswith(self.work):
            shutil.rmtree(self.work)

    def stop(self):
        """Ends it the ordinary way; the status must be 0 and no report in the log."""
        if self.process.poll() is None:
            if self.profile == "test":
                self.process.stdin.close()
            else:
                self.process.send_signal(signal.SIGTERM)
        try:
            status = self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self._kill()
            raise AssertionError(f"the suite did not stop\n{self.log_text()}")
        text = self._close()
        assert status == 0, f"postroom ended with {status}\n{text[-4000:]}"

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        if kind is None:
            try:
                self.stop()
            finally:
                shutil.rmtree(self.work, ignore_errors=True)
            return
        if not issubclass(kind, Skip):
            tail = self.log_text()[-8000:]
            print(f"---- end of the suite's log\n{tail}\n----")
        self._kill()
        shutil.rmtree(self.work, ignore_errors=True)


def crlf(text):
    """Octets with CRLF line ends from text written with LF."""
    return text.replace("\r\n", "\n").replace("\n", "\r\n").encode("utf-8", "surrogateescape")


def message(subject, sender="ann@example.test", to="bob@example.test", body="hello\n"):
    return crlf(
        f"From: {sender}\nTo: {to}\nSubject: {subject}\nDate: Tue, 24 Nov 2026 08:00:00 +0000\n"
        f"Message-ID: <{subject.replace(' ', '.')}@client.example>\n\n{body}")


def in_threads(jobs):
    """Runs the callables at once; the first exception is raised again."""
    problems = []

    def guard(job):
        try:
            job()
        except BaseException as problem:  # noqa: B902, told again below
            problems.append(problem)

    threads = [threading.Thread(target=guard, args=(job,)) for job in jobs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if problems:
        raise problems[0]


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]
