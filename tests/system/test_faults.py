"""Load, kills, a full disk: what was acknowledged is there, once."""
import imaplib
import os
import poplib
import random
import signal
import smtplib
import subprocess
import tempfile
import threading
import time

from suite import FULL, PLAIN_BUILD, Skip, Suite, in_threads, message, run, wait_for

PEOPLE = ["one@example.test", "two@example.test", "three@example.test"]


def subjects(suite, user):
    """Every Subject in the mailbox, by IMAP."""
    imap = suite.imap(user)
    count = int(imap.select("INBOX", readonly=True)[1][0])
    found = []
    if count:
        for item in imap.fetch("1:*", "(BODY.PEEK[HEADER.FIELDS (SUBJECT)])")[1]:
            if isinstance(item, tuple):
                found.append(item[1].decode().split("\r\n")[0].removeprefix("Subject: "))
    imap.logout()
    return found


def senders_at_once(senders, messages):
    """Each sends so many to three recipients: every message is in each mailbox once."""
    with Suite() as suite:
        def sender(number):
            with suite.smtp() as client:
                for index in range(messages):
                    refused = client.sendmail("load@sender.example", PEOPLE, message(f"load {number}.{index}"))
                    assert not refused
        in_threads([lambda n=n: sender(n) for n in range(senders)])
        want = sorted(f"load {n}.{i}" for n in range(senders) for i in range(messages))
        for person in PEOPLE:
            assert sorted(subjects(suite, person)) == want, person


def test_many_senders_at_once():
    senders_at_once(*(50, 200) if FULL else (20, 50))


def load_until(suite, stop, acknowledged, number):
    """Sends one message after the other; a failure makes it send that one again."""
    index = 0
    while not stop.is_set():
        subject = f"kill {number}.{index}"
        try:
            with suite.smtp() as client:
                while not stop.is_set():
                    subject = f"kill {number}.{index}"
                    refused = client.sendmail("load@sender.example", PEOPLE, message(subject))
                    assert not refused
                    acknowledged.append(subject)
                    index += 1
        except (smtplib.SMTPException, OSError):
            # never acknowledged: it may or may not be there; go on with another
            index += 1
            time.sleep(0.02)


def kill_loop(daemon, rounds, seed):
    rng = random.Random(seed)
    print(f"(seed {seed}) ", end="", flush=True)
    with Suite() as suite:
        stop, acknowledged = threading.Event(), []
        threads = [threading.Thread(target=load_until, args=(suite, stop, acknowledged, n)) for n in range(6)]
        for thread in threads:
            thread.start()
        try:
            for _ in range(rounds):
                time.sleep(0.2 + 0.4 * rng.random())
                victim = wait_for(f"{daemon} running", lambda: suite.pids(daemon))[0]
                os.kill(victim, signal.SIGKILL)
                wait_for(f"{daemon} started again", lambda: [p for p in suite.pids(daemon) if p != victim])
            time.sleep(0.5)
        finally:
            stop.set()
            for thread in threads:
                thread.join()
        assert len(acknowledged) > rounds, "no load went through"
        for person in PEOPLE:
            found = wait_for("imapd serves", lambda p=person: try_subjects(suite, p))
            doubled = {s for s in found if found.count(s) > 1} if len(found) != len(set(found)) else set()
            assert not doubled, f"doubled: {sorted(doubled)[:5]}"
            missing = set(acknowledged) - set(found)
            assert not missing, f"acknowledged and missing: {sorted(missing)[:5]}"
        check = suite.command("check")[1]
        assert "sound" in check, check


def try_subjects(suite, person):
    try:
        return subjects(suite, person) or [""]
    except (imaplib.IMAP4.error, OSError):
        return None


def test_kill_mailboxd():
    kill_loop("mailboxd", 8, 1)


def test_sessions_end_with_the_store_they_had():
    """IDLE, a session at rest and one with a command in flight hear BYE; POP3 is told at its next command."""
    with Suite(profile="lab") as suite:
        suite.send("ann@example.test", ["bob@example.test"], message("one"))
        idle, rest, busy = (suite.imap("bob@example.test") for _ in range(3))
        for session in (idle, rest, busy):
            session.select("INBOX")
            session.sock.settimeout(10)
        idle.send(b"i IDLE\r\n")
        assert idle.readline().startswith(b"+"), "IDLE is not taken"
        pop = suite.pop("bob@example.test")
        victim = suite.pids("mailboxd")[0]
        os.kill(victim, signal.SIGSTOP)
        busy.send(b"b STATUS INBOX (MESSAGES)\r\n")
        time.sleep(0.2)
        os.kill(victim, signal.SIGKILL)
        assert busy.readline().startswith(b"b NO [UNAVAILABLE]")
        for session in (idle, rest, busy):
            line = session.readline()
            assert line.startswith(b"* BYE [UNAVAILABLE]"), line
            assert session.readline() == b"", "the connection stays open"
        try:
            pop.retr(1)
            raise AssertionError("a message came from nowhere")
        except poplib.error_proto as problem:
            assert b"[SYS/TEMP]" in problem.args[0], problem
        found = wait_for("imapd serves", lambda: try_subjects(suite, "bob@example.test"))
        assert found == ["one"], found


def test_kill_smtpd():
    kill_loop("smtpd", 8, 2)


def test_kill_imapd():
    kill_loop("imapd", 4, 3)


def test_kill_popd():
    kill_loop("popd", 4, 4)


def test_kill_at_random():
    rng = random.Random()
    seed = rng.randrange(1 << 30)
    kill_loop(rng.choice(["mailboxd", "smtpd"]), 6, seed)


def test_full_disk():
    """A 16 MiB tmpfs: filled, temporary failures; emptied, service within 2 s."""
    if os.geteuid() != 0:
        raise Skip("mounting a tmpfs needs root")
    place = tempfile.mkdtemp(prefix="postroom-full-")
    try:
        mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16m,mode=0700", "tmpfs", place],
                                 capture_output=True)
        if mounted.returncode != 0:
            raise Skip("mounting a tmpfs needs root")
        with Suite("--set", "limits.reserve=0", profile="lab", directory=os.path.join(place, "lab")) as suite:
            bob = "bob@example.test"
            suite.send("ann@example.test", bob, message("before"))
            filler = os.path.join(place, "filler")
            with open(filler, "wb") as file:
                try:
                    while True:
                        file.write(b"x" * 65536)
                        file.flush()
                except OSError:
                    pass
            big = message("full", body="0123456789abcdef" * 4 + "\n") + b"filler line\r\n" * 20000
            with suite.smtp() as client:
                codes = []
                for _ in range(3):
                    try:
                        client.sendmail("ann@example.test", [bob], big)
                        codes.append(250)
                    except smtplib.SMTPResponseException as problem:
                        codes.append(problem.smtp_code)
                    except smtplib.SMTPRecipientsRefused as problem:
                        codes.append(problem.recipients[bob][0])
            assert codes and set(codes) <= {250, 452, 451} and 452 in codes, codes
            imap = suite.imap(bob)
            assert int(imap.select("INBOX", readonly=True)[1][0]) == 1 + codes.count(250)
            try:
                answer = imap.append("INBOX", "", None, big)
                assert answer[0] == "NO", answer
            except imaplib.IMAP4.error as problem:
                raise AssertionError(f"APPEND on a full disk: {problem}")
            os.unlink(filler)
            emptied = time.monotonic()
            done = 0

            def accepted():
                try:
                    suite.send("ann@example.test", bob, big)
                    return True
                except smtplib.SMTPException:
                    return False
            wait_for("service after space came back", accepted, timeout=2.0)
            assert time.monotonic() - emptied < 2.0 + done
            imap.noop()
            assert int(imap.select("INBOX", readonly=True)[1][0]) == 2 + codes.count(250)
            imap.logout()
    finally:
        subprocess.run(["umount", "-l", place], capture_output=True)
        os.rmdir(place)


def test_wrong_password_says_so():
    with Suite(profile="lab") as suite:
        imap = suite.imap()
        try:
            imap.login("ann@example.test", "wrong")
            raise AssertionError("a wrong password logged in")
        except imaplib.IMAP4.error as problem:
            assert "AUTHENTICATIONFAILED" in str(problem), problem
        wait_for("the log line", lambda: "event=auth.fail" in suite.log_text())
        line = next(l for l in suite.log_text().splitlines() if "event=auth.fail" in l)
        for word in ("proto=imap", "user=ann@example.test", "client=127.0.0.1", "reason="):
            assert word in line, line
        assert "wrong" not in line.replace("reason=wrong-password", ""), line


def test_no_file_is_opened_after_start():
    """Under strace: after READY no daemon opens a path or runs a program."""
    trace = tempfile.mkdtemp(prefix="postroom-strace-")
    try:
        status, text = run("strace", "-f", "-o", os.path.join(trace, "probe"), "true", check=False)
        if status != 0:
            raise Skip("strace may not trace here")
        with Suite("--user", "ann@example.test:secret", "--user", "bob@example.test:secret",
                   build=PLAIN_BUILD, prefix=("strace", "-ff", "-ttt", "-s", "200", "-o", os.path.join(trace, "t"),
                           "-e", "trace=open,openat,openat2,creat,execve,execveat")) as suite:
            begin = time.time()
            suite.send("ann@example.test", ["bob@example.test"], message("traced"))
            with suite.smtp("submission") as client:
                client.starttls(context=suite.tls_context())
                client.login("ann@example.test", "secret")
                client.sendmail("ann@example.test", ["bob@example.test"], message("traced too"))
            imap = suite.imap_tls("bob@example.test")
            imap.select("INBOX")
            imap.fetch("1:*", "(FLAGS ENVELOPE BODYSTRUCTURE BODY[])")
            imap.append("Sent", "", None, message("latin").replace(b"hello", "gr\u00fc\u00dfe".encode("latin-1")))
            imap.search("UTF-8", "TEXT hello")
            imap.search("UTF-8", "BODY", '"nothing"')
            imap.create("Other")
            imap.copy("1", "Other")
            imap.logout()
            pop = suite.pop("bob@example.test")
            pop.retr(1)
            pop.dele(1)
            pop.quit()
            time.sleep(1.5)
            daemons = {pid: name for name in ("smtpd", "mailboxd", "popd", "imapd")
                       for pid in suite.ready["pids"][name]}
            end = time.time()
        wrong, threads = [], {}
        files = sorted(os.listdir(trace))
        for name in files:
            if not name.startswith("t."):
                continue
            pid = int(name[2:])
            with open(os.path.join(trace, name)) as file:
                for line in file:
                    stamp, _, call = line.partition(" ")
                    if "open" not in call and "exec" not in call and "creat" not in call:
                        continue
                    if begin <= float(stamp) <= end and "(" in call:
                        owner = daemons.get(pid, threads.get(pid, "thread"))
                        wrong.append((owner, pid, call.strip()))
        store = os.path.join(suite.dir)
        wrong = [w for w in wrong if not (w[0] in ("mailboxd", "thread") and f'"{store}' in w[2])
                 and not (w[0] in ("mailboxd", "thread") and ("store.db" in w[2] or "search.db" in w[2]))]
        assert not wrong, wrong[:20]
    finally:
        import shutil
        shutil.rmtree(trace, ignore_errors=True)
