"""Load for the kill loops: mail that is sent again until it is taken, flags, and
expunges over IMAP and POP3; and what must hold whoever was killed meanwhile."""
import imaplib
import os
import poplib
import random
import re
import shutil
import signal
import smtplib
import tempfile
import threading
import time

from suite import Suite, message, wait_for

USER = "ann@example.test"
TROUBLE = (smtplib.SMTPException, imaplib.IMAP4.error, poplib.error_proto, OSError, AssertionError)


class Load:
    """Threads that go on whatever happens to the suite; check() asks what is left."""

    def __init__(self, suite, seed, senders=2):
        self.suite = suite
        self.random = random.Random(seed)
        self.stop = threading.Event()
        self.lock = threading.Lock()
        self.acknowledged = set()   # subjects
        self.gone = set()           # of them, expunged and told so
        self.perhaps = set()        # an expunge was sent and not answered
        self.flagged = set()        # subjects, told so
        self.uids, self.modseqs = {}, {}
        self.places = {}            # subject: the UID that it has, or had
        self.uidvalidity, self.uidnext, self.highest = None, 1, 0
        self.sent_again = self.changes = 0
        jobs = [lambda n=n: self.send(n) for n in range(senders)] + [self.flag, self.expunge, self.pop]
        self.threads = [threading.Thread(target=self.go_on, args=(job,), daemon=True) for job in jobs]

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.stop.set()
        for thread in self.threads:
            thread.join(30)

    def go_on(self, job):
        while not self.stop.is_set():
            try:
                job()
            except TROUBLE:
                time.sleep(0.05)

    # ---- the jobs; each raises when its connection is gone
    def send(self, number):
        index = 0
        while not self.stop.is_set():
            subject = f"load {number}.{index}"
            try:
                with self.suite.smtp() as client:
                    while not self.stop.is_set():
                        subject = f"load {number}.{index}"
                        refused = client.sendmail("load@sender.example", [USER], message(subject))
                        assert not refused
                        with self.lock:
                            self.acknowledged.add(subject)
                        index += 1
                        time.sleep(0.005)
            except TROUBLE:
                self.sent_again += 1
                time.sleep(0.05)

    def some(self, client):
        """A message of the older half, that others leave alone: (uid, subject)."""
        client.select("INBOX")
        found = client.uid("SEARCH", "ALL")[1][0].split()
        if len(found) < 20:
            time.sleep(0.1)
            return None, None
        uid = found[random.randrange(len(found) // 2)]
        answer = client.uid("FETCH", uid, "(BODY.PEEK[HEADER.FIELDS (SUBJECT)])")[1]
        for item in answer:
            if isinstance(item, tuple):
                return uid.decode(), subject_of(item[1])
        return None, None

    def flag(self):
        client = self.suite.imap(USER)
        while not self.stop.is_set():
            uid, subject = self.some(client)
            if uid and client.uid("STORE", uid, "+FLAGS", "(\\Flagged)")[0] == "OK":
                self.flagged.add(subject)
                self.changes += 1
            time.sleep(0.02)

    def expunge(self):
        client = self.suite.imap(USER)
        while not self.stop.is_set():
            uid, subject = self.some(client)
            if uid:
                self.perhaps.add(subject)
                client.uid("STORE", uid, "+FLAGS.SILENT", "(\\Deleted)")
                if client.uid("EXPUNGE", uid)[0] == "OK":
                    self.gone.add(subject)
                    self.changes += 1
            time.sleep(0.01)

    def pop(self):
        client = self.suite.pop(USER)
        count = client.stat()[0]
        subjects = []
        for number in range(1, min(count - 20, 3) + 1):
            head = client.top(number, 0)[1]
            subjects.append(next(subject_of(l) for l in head if l.lower().startswith(b"subject:")))
            self.perhaps.add(subjects[-1])
            client.dele(number)
        client.quit()
        self.gone.update(subjects)
        self.changes += len(subjects)
        time.sleep(0.3)

    # ---- what must hold
    def look(self):
        with self.lock:
            acknowledged = set(self.acknowledged)
        gone, flagged = set(self.gone), set(self.flagged)
        try:
            client = self.suite.imap(USER)
            status = client.status("INBOX", "(UIDVALIDITY UIDNEXT HIGHESTMODSEQ)")[1][0].decode()
            client.select("INBOX", readonly=True)
            rows = client.fetch("1:*", "(UID FLAGS MODSEQ BODY.PEEK[HEADER.FIELDS (SUBJECT)])")[1]
            client.logout()
        except TROUBLE:
            return None
        return acknowledged, gone, flagged, status, rows

    def check(self):
        acknowledged, gone, flagged, status, rows = wait_for("imapd serves", self.look)
        uidvalidity, uidnext, highest = (int(re.search(rf"{word} (\d+)", status).group(1))
                                         for word in ("UIDVALIDITY", "UIDNEXT", "HIGHESTMODSEQ"))
        assert self.uidvalidity in (None, uidvalidity), "UIDVALIDITY changed"
        assert uidnext >= self.uidnext and highest >= self.highest, (status, self.uidnext, self.highest)
        found = {}
        for row in rows:
            if not isinstance(row, tuple):
                continue
            words, subject = row[0].decode(), subject_of(row[1])
            uid = int(re.search(r"UID (\d+)", words).group(1))
            modseq = int(re.search(r"MODSEQ \((\d+)\)", words).group(1))
            flags = re.search(r"FLAGS \(([^)]*)\)", words).group(1)
            assert subject not in found, f"doubled: {subject}"
            found[subject] = uid
            assert self.uids.get(uid, subject) == subject, f"UID {uid} was {self.uids[uid]}, is {subject}"
            assert self.places.setdefault(subject, uid) == uid, f"doubled: {subject}, {uid}, {self.places[subject]}"
            assert uid in self.uids or uid >= self.uidnext, f"UID {uid} is new below {self.uidnext}"
            before = self.modseqs.get(uid, (0, ""))
            assert modseq > before[0] or (modseq, plain(flags)) == before, (uid, before, modseq, flags)
            self.uids[uid], self.modseqs[uid] = subject, (modseq, plain(flags))
            assert subject not in gone, f"expunged and back: {subject}"
            assert subject not in flagged or "\\Flagged" in flags, f"lost a flag: {subject}"
        missing = acknowledged - set(found) - self.perhaps
        assert not missing, f"acknowledged and missing: {sorted(missing)[:5]}"
        self.uidvalidity, self.uidnext, self.highest = uidvalidity, uidnext, highest


def plain(flags):
    return " ".join(sorted(f for f in flags.split() if f != "\\Recent"))


def subject_of(octets):
    return octets.decode().split("\r\n")[0].split(":", 1)[1].strip()


# ---- the three shapes

DAEMONS = ["mailboxd", "smtpd", "imapd", "popd"]


class Rounds:
    """Counts the rounds of a loop and prints how far it is."""

    def __init__(self, count, seed):
        self.count, self.random = count, random.Random(seed)
        self.since = time.monotonic()
        print(f"(seed {seed}) ", end="", flush=True)

    def __iter__(self):
        for number in range(1, self.count + 1):
            yield number
            if number % 20 == 0:
                print(f"({number} rounds, {time.monotonic() - self.since:.0f} s) ", end="", flush=True)

    def pause(self, least, most):
        time.sleep(self.random.uniform(least, most))


def kill(pids):
    for pid in pids:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass


def is_sound(suite):
    try:
        return "sound" in suite.command("check")[1]
    except AssertionError:
        return False


def one_at_a_time(victims, count, seed):
    """One of these at a time ("a+b": both), under postroom, which starts it again."""
    rounds = Rounds(count, seed)
    with Suite(profile="lab") as suite, Load(suite, seed) as load:
        for _ in rounds:
            rounds.pause(0.1, 0.5)
            for daemon in rounds.random.choice(victims).split("+"):
                kill(wait_for(f"{daemon} running", lambda d=daemon: suite.pids(d)))
            load.check()
        finish(suite, load, count)


def finish(suite, load, rounds):
    load.stop.set()
    for thread in load.threads:
        thread.join(30)
    load.check()
    wait_for("a sound store", lambda: is_sound(suite))
    assert len(load.acknowledged) > rounds and load.changes > rounds / 4, (len(load.acknowledged), load.changes)
    print(f"({len(load.acknowledged)} taken, {load.sent_again} sent again, {load.changes} changes) ",
          end="", flush=True)


def all_at_once(count, seed):
    """Every process, postroom too; then a start on what is left."""
    rounds = Rounds(count, seed)
    directory = tempfile.mkdtemp(prefix="postroom-kills-")
    lab = os.path.join(directory, "lab")
    load = Load(None, seed)
    try:
        for number in rounds:
            load.suite = Suite(profile="lab", directory=lab)
            try:
                if number == 1:
                    load.__enter__()
                rounds.pause(0.2, 0.7)
                load.check()
            finally:
                load.suite.kill()
        with Suite(profile="lab", directory=lab) as load.suite:
            load.check()
            finish(load.suite, load, count)
    finally:
        load.__exit__()
        shutil.rmtree(directory)
