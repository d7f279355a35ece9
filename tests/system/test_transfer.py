"""Import and export: what goes out and comes in again is the same, in each format."""
import glob
import json
import mailbox
import os
import re
import socket
import subprocess
import tempfile
import time

from suite import PATIENCE, POSTROOM, SANITIZED, TOP, Suite, message, run

ANN, BOB = "ann@example.test", "bob@example.test"
MAIL = sorted(glob.glob(os.path.join(TOP, "tests", "data", "mail", "*.eml")))
FLAGS = ["", r"\Seen", r"\Answered \Flagged", r"\Deleted \Draft $Label", "work urgent", r"\Seen $Label"]
ODD = [b"no header at all", b"", b"\r\n", b"Subject: no end", b"Subject: x\r\n\r\nFrom here\r\n>From there\r\n"
       b"\r\nFrom me Tue Nov 24 08:00:00 2026\r\n>>From\r\n", b"Status: RO\r\nX-Status: D\r\n\r\nStatus: x\r\n\r\n\r\n",
       b"Content-Length: 4\r\nSubject: y\r\n\r\nFrom a b\r\n"]


def crlf(octets):
    return re.sub(rb"\r\n|\r|\n", b"\r\n", octets)


def all_mail(client, box):
    """Octets, flags and date of each, in order."""
    count = int(client.select(box, readonly=True)[1][0])
    if not count:
        return []
    found = []
    status, answer = client.fetch("1:*", "(FLAGS INTERNALDATE BODY.PEEK[])")
    for item in answer:
        if not isinstance(item, tuple):
            if found and b"FLAGS" in item:
                found[-1][0] += item
            continue
        found.append([item[0], item[1]])
    result = []
    for head, octets in found:
        flags = re.search(rb"FLAGS \(([^)]*)\)", head).group(1).split()
        date = re.search(rb'INTERNALDATE "([^"]*)"', head).group(1).decode()
        when = time.strptime(date[:20].strip(), "%d-%b-%Y %H:%M:%S")
        zone = int(date[-5:-2]) * 60 + int(date[-5] + date[-2:])
        import calendar
        result.append((octets, sorted(f for f in flags if f != rb"\Recent"),
                       calendar.timegm(when) - zone * 60))
    return result


def fill(client, box, most):
    """All of tests/data/mail and odd ones, with flags and dates."""
    if box != "INBOX":
        client.create(box)
    sources = [crlf(open(path, "rb").read()).replace(b"\0", b"?") for path in MAIL] + ODD
    sources = [octets for octets in sources if octets]  # APPEND takes no empty message
    sources = sources[-most:]
    taken = 0
    for number, octets in enumerate(sources):
        date = f'"{1 + number % 28:2d}-Feb-20{10 + number % 15} 0{number % 10}:15:30 +0{number % 8}00"'
        status, text = client.append(box, f"({FLAGS[number % len(FLAGS)]})", date, octets)
        # a header with 8-bit octets is not for a client without UTF8=ACCEPT
        assert status == "OK" or b"8-bit" in text[0], (number, text)
        taken += status == "OK"
    assert taken * 2 > len(sources), (taken, len(sources))
    return taken


def there_and_back(format, one):
    with Suite(profile="lab") as suite, tempfile.TemporaryDirectory() as place:
        path = os.path.join(place, "out")
        client = suite.imap(ANN)
        client.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        boxes = ["Work"] if one else ["INBOX", '"Work/&APw-ber.x"', '"Work/.a b"']
        counts = [fill(client, box, 1000 if number == 0 else 10)
                  for number, box in enumerate(boxes)]
        args = [ANN] + (["Work"] if one else []) + [path, "--format", format]
        suite.command("mailbox", "export", *args)
        args = [BOB] + (["Work"] if one else []) + [path, "--json"]
        text = suite.command("mailbox", "import", *args)[1]
        summary = json.loads(text.splitlines()[-1])
        assert summary["stored"] == sum(counts) and summary["failed"] == 0, text
        other = suite.imap(BOB)
        for each, box in zip(counts, boxes):
            ours, theirs = all_mail(client, box), all_mail(other, box)
            assert len(ours) == len(theirs) == each, (box, len(ours), len(theirs))
            for number, (a, b) in enumerate(zip(ours, theirs)):
                assert a == b, (format, box, number, a[0][:300], b[0][:300], a[1:], b[1:])
        assert "sound" in suite.command("check")[1]


def test_maildir_there_and_back():
    there_and_back("maildir", False)


def test_mbox_there_and_back():
    there_and_back("mbox", True)


def test_mbox_tree_there_and_back():
    there_and_back("mbox", False)


def test_eml_there_and_back():
    there_and_back("eml", False)


def write(path, octets):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as file:
        file.write(octets)


def test_maildir_of_dovecot():
    """Flags, keywords, folders, dates and UIDLs as Dovecot keeps them."""
    with Suite(profile="lab") as suite, tempfile.TemporaryDirectory() as place:
        root = os.path.join(place, "Maildir")
        write(f"{root}/cur/1600000002.M2.host,S=20:2,FSa", b"Subject: two\n\nx\n")
        write(f"{root}/new/1600000001.M1.host", b"Subject: one\r\n\r\nx\r\n")
        write(f"{root}/cur/1600000003.M3.host:2,R", b"Subject: three\n\nx\n")
        write(f"{root}/tmp/1600000004.M4.host", b"Subject: not whole")
        write(f"{root}/dovecot-keywords", b"0 $Forwarded\n1 work\n")
        write(f"{root}/dovecot-uidlist", b"3 V1 N30 G0\n11 P00ff.z W22 :1600000003.M3.host\n"
              b"12 :1600000002.M2.host,S=20\n")
        write(f"{root}/.Sent.&APw-ber/cur/1.M1.host:2,S", b"Subject: sub\n\nx\n")
        write(f"{root}/.Sent.&APw-ber/new/.keep", b"")
        os.utime(f"{root}/cur/1600000003.M3.host:2,R", (1500000000, 1500000000))
        text = suite.command("mailbox", "import", BOB, root, "--json")[1]
        assert json.loads(text)["stored"] == 4, text
        client = suite.imap(BOB)
        got = all_mail(client, "INBOX")
        assert [m[0] for m in got] == [b"Subject: three\r\n\r\nx\r\n", b"Subject: two\r\n\r\nx\r\n",
                                       b"Subject: one\r\n\r\nx\r\n"], got
        assert got[0][1:] == ([rb"\Answered"], 1500000000), got[0]
        assert got[1][1] == sorted([rb"\Flagged", rb"\Seen", b"$Forwarded"]), got[1]
        assert all_mail(client, '"Sent/&APw-ber"')[0][1] == [rb"\Seen"]
        pop = suite.pop(BOB)
        assert pop.uidl(1).split()[2] == b"00ff.z", pop.uidl(1)


def test_what_is_wrong_does_not_end_the_run():
    with Suite(profile="lab") as suite, tempfile.TemporaryDirectory() as place:
        for number in range(6):
            write(f"{place}/{number}.eml", b"Subject: s%d\n\nx\n" % number)
        write(f"{place}/2.eml", b"Subject: nul\n\na\0b\n")
        write(f"{place}/4.eml", b"")
        os.remove(f"{place}/5.eml")
        os.symlink("/nonexistent", f"{place}/5.eml")
        status, text = suite.command("mailbox", "import", ANN, "Old", place, "--json", check=False)
        summary = json.loads(text.splitlines()[-1])
        assert status == 65 and summary["stored"] == 4 and summary["failed"] == 2, (status, text)
        assert "2.eml" in text and "NUL" in text and "5.eml" in text and "No such file" in text, text
        kept = rows(suite, "msg", "list", ANN, "Old")
        assert [row["octets"] for row in kept] == [18, 18, 18, 0], kept
        # a quota is told, and what still fits is stored
        suite.command("user", "quota", BOB, "none", "2")
        status, text = suite.command("mailbox", "import", BOB, place, "--json", check=False)
        summary = json.loads(text.splitlines()[-1])
        assert status == 65 and summary["stored"] == 2 and summary["failed"] == 4, (status, text)
        assert "no room" in text, text
        for argv, code, part in (((BOB, place + "/none"), 66, "No such file"),
                                 (("nobody@example.test", place), 67, "no such user"),
                                 ((BOB, place, "--format", "pst"), 64, "no format"),
                                 ((BOB, "a\nb", place), 64, "name")):
            status, text = suite.command("mailbox", "import", *argv, check=False)
            assert status == code and part in text, (argv, status, text)
        status, text = suite.command("mailbox", "export", ANN, place, check=False)
        assert status == 73 and "--force" in text, (status, text)
        assert "sound" in suite.command("check")[1]


def test_export_to_standard_output_is_an_mbox():
    with Suite(profile="lab") as suite, tempfile.TemporaryDirectory() as place:
        for number in range(3):
            suite.send(ANN, BOB, message(f"s{number}", body="From me\n.\nx\n"))
        done = subprocess.run([POSTROOM, "mailbox", "export", BOB, "INBOX", "-", "--dir", suite.dir],
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=True, timeout=PATIENCE)
        path = os.path.join(place, "x")
        write(path, done.stdout)
        assert len(mailbox.mbox(path)) == 3
        again = subprocess.run([POSTROOM, "mailbox", "import", BOB, "Copy", "-", "--dir", suite.dir],
                               input=done.stdout, stdout=subprocess.PIPE, check=True, timeout=PATIENCE)
        assert b"3 messages stored" in again.stdout, again.stdout
        client = suite.imap(BOB)
        assert [m[0] for m in all_mail(client, "INBOX")] == [m[0] for m in all_mail(client, "Copy")]
        # other programs' mboxes and ours are the same thing
        theirs = mailbox.mbox(os.path.join(place, "y"))
        theirs.add(mailbox.mboxMessage(b"From: a@b\nStatus: RO\nX-Status: A\nSubject: py\n\nFrom here\n"))
        theirs.flush()
        suite.command("mailbox", "import", BOB, "Theirs", os.path.join(place, "y"))
        assert all_mail(client, "Theirs")[0][:2] == (
            b"From: a@b\r\nSubject: py\r\n\r\nFrom here\r\n", [rb"\Answered", rb"\Seen"])


def rows(suite, *args):
    return json.loads(suite.command(*args, "--json")[1])


def high_water(pid):
    with open(f"/proc/{pid}/status") as file:
        return int(re.search(r"VmHWM:\s+(\d+)", file.read()).group(1)) * 1024


def test_a_large_message_costs_little_memory():
    if SANITIZED:
        return
    with Suite(profile="lab") as suite, tempfile.TemporaryDirectory() as place:
        large = b"Subject: large\r\n\r\n" + (b"z" * 98 + b"\r\n") * 520_000
        write(f"{place}/large.eml", large)
        # page caches are as large as they may be
        for number in range(3):
            suite.command("mailbox", "import", BOB, "First", f"{place}/large.eml")
            suite.command("mailbox", "export", BOB, "First", f"{place}/first{number}")
        (pid,) = suite.pids("mailboxd")
        before = high_water(pid)
        suite.command("mailbox", "import", BOB, f"{place}/large.eml")
        suite.command("mailbox", "export", BOB, "INBOX", f"{place}/out", "--format", "mbox")
        grown = high_water(pid) - before
        assert grown < 8 << 20, f"mailboxd grew by {grown >> 10} KiB"
        suite.command("mailbox", "import", BOB, "Again", f"{place}/out")
        assert all_mail(suite.imap(BOB), "Again")[0][0] == large


def test_ten_thousand_messages():
    """The rate is told; that it is no crawl is what the test wants."""
    with Suite(profile="lab") as suite, tempfile.TemporaryDirectory() as place:
        count = 500 if SANITIZED else 10_000
        with open(f"{place}/m.mbox", "wb") as file:
            for number in range(count):
                file.write(b"From a Tue Nov 24 07:08:47 2026\n"
                           b"From: a@example.org\nTo: b@example.org\nSubject: number %d\n"
                           b"Message-ID: <%d@example.org>\n\n" % (number, number))
                file.write(b"A line of some text that is here to be stored.\n" * 80 + b"\n")
        text = suite.command("mailbox", "import", BOB, f"{place}/m.mbox", "--json")[1]
        summary = json.loads(text)
        rate = summary["stored"] / summary["seconds"]
        print(f"{rate:.0f} messages/s ", end="", flush=True)
        assert summary["stored"] == count and (SANITIZED or rate > 1000), summary
        assert "sound" in suite.command("check")[1]
