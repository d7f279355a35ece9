"""Milters, played here: what they see, what becomes of the mail, and of a milter that is not there."""
import os
import shutil
import smtplib
import tempfile
import threading

from milters import Milter, add, change, insert, packet
from suite import Suite, in_threads, message

ANN = "ann@example.test"
BOB = "bob@example.test"


class Stage:
    """A suite with milters at sockets of ours; each keyword is what one answers."""

    def __init__(self, *args, **milters):
        self.folder = tempfile.mkdtemp(prefix="postroom-milter-")
        self.milters = {name: Milter(os.path.join(self.folder, name), **answers)
                        for name, answers in milters.items()}
        sets = [f"milter.{name}.socket={self.folder}/{name}" for name in milters]
        self.suite = Suite(*[part for one in [*sets, *args] for part in ("--set", one)], profile="lab")

    def __enter__(self):
        return self.suite

    def __exit__(self, *problem):
        try:
            self.suite.__exit__(*problem)
        finally:
            for milter in self.milters.values():
                milter.close()
            shutil.rmtree(self.folder)


def send(suite, text, recipients=(BOB,), sender="x@elsewhere.test"):
    with suite.smtp() as client:
        return client.sendmail(sender, list(recipients), text)


def refusal(suite, text, recipients=(BOB,)):
    try:
        send(suite, text, recipients)
    except smtplib.SMTPDataError as problem:
        return problem.smtp_code, problem.smtp_error.decode()
    except smtplib.SMTPRecipientsRefused as problem:
        return next(iter(problem.recipients.values()))[0], ""
    return 250, ""


def fetch(suite, user, number, mailbox="INBOX"):
    with suite.imap(user) as client:
        assert client.select(mailbox)[0] == "OK"
        what, octets = client.fetch(str(number), "(FLAGS BODY.PEEK[])")[1][0][:2]
        return what, octets


def count(suite, user, mailbox="INBOX"):
    with suite.imap(user) as client:
        return int(client.select(mailbox)[1][0])


def test_what_is_seen_and_edited():
    big = "".join(f"line {n}\n" for n in range(60000))
    answers = {"end": lambda data: insert(1, "X-Below", "1") + insert(0, "X-Top", "a\n\tb") +
               change(1, "Subject", "new") + packet(b"c")}
    stage = Stage("trusted=192.0.2.1", one=answers, two={})
    with stage as suite:
        text = message("old", body=big).replace(b"Subject:", b"X-Spam: Yes\r\nX-Kept: k\r\nSubject:")
        in_threads([lambda n=n: send(suite, b"X-N: %d\r\n" % n + text) for n in range(4)])
        for number in range(1, 5):
            octets = fetch(suite, BOB, number)[1]
            head, body = octets.split(b"\r\n\r\n", 1)
            names = [line.split(b":")[0] for line in head.split(b"\r\n") if line[:1] not in b" \t"]
            assert names[names.index(b"X-Top"):][:3] == [b"X-Top", b"Received", b"X-Below"], names
            assert b"\r\nSubject: new\r\n" in head and b"X-Spam" not in head and b"X-Kept: k" in head, head
            assert body == big.replace("\n", "\r\n").encode(), len(body)
        one, two = stage.milters["one"], stage.milters["two"]
        fields = [data.split(b"\0")[0] for data in one.events("field")]
        assert b"X-Spam" not in fields and b"Received" not in fields and fields.count(b"X-Kept") == 4, fields
        assert two.events("field").count(b"Subject\0new\0") == 4, two.events("field")
        assert {len(data) for data in two.events("body")} >= {65535}
        assert sum(len(data) for data in two.events("body")) == 4 * len(big.replace("\n", "\r\n"))
        assert one.events("mail")[0].startswith(b"<x@elsewhere.test>\0SIZE="), one.events("mail")


def test_verdicts():
    def end(data):
        subject = subjects[-1]
        return {"spam": add("X-Spam", "Yes") + packet(b"c"), "flag": add("X-Spam-Flag", "yes") + packet(b"a"),
                "virus": packet(b"q", b"a virus\0") + packet(b"c"), "no": packet(b"r"),
                "body": packet(b"b", b"other\nlines") + packet(b"c"), "drop": packet(b"d"),
                "code": packet(b"y", b"554 5.6.0 100%% no\0"),
                "more": packet(b"+", f"<{ANN}>\0".encode()) + packet(b"c"),
                "other": packet(b"-", f"<{BOB}>\0".encode()) + packet(b"+", f"<{ANN}>\0".encode()) + packet(b"c"),
                }.get(subject, b"c")

    subjects = []

    def field(data):
        name, value = data.split(b"\0")[:2]
        if name == b"Subject":
            subjects.append(value.decode().strip())
        return b"c"

    with Stage("trusted=192.0.2.1", one={"end": end, "field": field}) as suite:
        for subject, wanted in (("spam", 250), ("flag", 250), ("virus", 250), ("no", 550), ("body", 250),
                                ("drop", 250), ("code", 554), ("more", 250), ("other", 250)):
            code, text = refusal(suite, message(subject))
            assert code == wanted, (subject, code, text)
            assert subject != "code" or text == "5.6.0 100% no", text
        for number in (1, 2):
            flags, octets = fetch(suite, BOB, number, "Junk")
            assert b"$Junk" in flags and b"X-Spam" in octets, (flags, octets)
        # postmaster's mail goes to the first account, and so does what is set aside
        assert fetch(suite, BOB, 1)[1].endswith(b"\r\n\r\nother\r\nlines\r\n")
        assert count(suite, BOB) == 2 and count(suite, ANN) == 3, (count(suite, BOB), count(suite, ANN))
        octets = fetch(suite, ANN, 1)[1]
        assert b"X-Quarantine: a virus\r\n" in octets and b"X-Quarantine-To: bob@example.test\r\n" in octets, octets
        # to postmaster alone nothing is refused
        assert refusal(suite, message("no"), ("postmaster@example.test",)) == (250, "")


def test_recipients():
    def rcpt(data):
        return packet(b"y", b"450 4.7.1 not ann\0") if b"ann@" in data else b"c"

    with Stage(one={"rcpt": rcpt}) as suite:
        assert send(suite, message("two"), (ANN, BOB)) == {ANN: (450, b"4.7.1 not ann")}
        assert (count(suite, ANN), count(suite, BOB)) == (0, 1)


def test_away_and_back():
    folder = tempfile.mkdtemp(prefix="postroom-milter-")
    path = os.path.join(folder, "late")
    try:
        for failing, wanted in (("tempfail", 451), ("reject", 550), ("accept", 250)):
            with Suite("--set", f"milter.late.socket={path}", "--set", f"milter.late.failing={failing}",
                       profile="lab") as suite:
                assert refusal(suite, message("away"))[0] == wanted
                assert "event=milter.failed" in suite.log_text()
                milter = Milter(path)
                assert refusal(suite, message("there"))[0] == 250
                assert milter.events("end"), milter.heard
                milter.close()
                os.unlink(path)
    finally:
        shutil.rmtree(folder)


def test_queue_is_full():
    """More connect at once than it has room for: they wait, each its time, and no mail goes past it."""
    folder = tempfile.mkdtemp(prefix="postroom-milter-")
    path = os.path.join(folder, "slow")
    gate = threading.Event()
    milter = Milter(path, queue=1, gate=gate, end=lambda data: add("X-Seen", "yes") + packet(b"c"))
    try:
        with Suite("--set", f"milter.slow.socket={path}", "--set", "milter.slow.failing=accept",
                   profile="lab") as suite:
            threading.Timer(1, gate.set).start()
            in_threads([lambda n=n: send(suite, message(f"m{n}")) for n in range(6)])
            assert "event=milter.failed" not in suite.log_text()
            for number in range(1, 7):
                assert b"X-Seen: yes" in fetch(suite, BOB, number)[1], number
    finally:
        gate.set()
        milter.close()
        shutil.rmtree(folder)


def test_breaks_off():
    """It goes away in the midst of a message, and for one it says nonsense."""
    with Stage(one={"end": lambda data: None}) as suite:
        assert refusal(suite, message("gone"))[0] == 451
    with Stage("milter.one.failing=quarantine", one={"body": lambda data: packet(b"Z")}) as suite:
        assert refusal(suite, message("nonsense"))[0] == 250
        assert b"X-Quarantine: milter one has failed" in fetch(suite, ANN, 1)[1]


def test_on_another_host():
    """linkd carries the connection (linkd(8)); when nobody listens there, it is away."""
    milter = Milter(None, end=lambda data: add("X-Far", "away") + packet(b"c"))
    with Suite("--set", f"milter.far.socket=tcp://127.0.0.1:{milter.port}", profile="lab") as suite:
        assert refusal(suite, message("far"))[0] == 250
        assert b"\r\nX-Far: away\r\n" in fetch(suite, BOB, 1)[1]
        milter.close()
        assert refusal(suite, message("nobody"))[0] == 451
