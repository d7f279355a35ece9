"""What goes in by SMTP comes back octet for octet by POP3 and IMAP."""
import hashlib
import os
import random
import re

from suite import Suite, crlf, message, wait_for

TRACE = re.compile(
    rb"\A(?:(?:Return-Path|Delivered-To|Received):[^\r\n]*\r\n(?:[ \t][^\r\n]*\r\n)*)+", re.I)


def without_trace(octets):
    """The message without the headers that delivery puts in front."""
    return TRACE.sub(b"", octets, count=1)


def awkward_message():
    """8-bit text, lines of 998 octets, leading dots, 10 MiB of attachment."""
    rng = random.Random(7)
    head = crlf(
        "From: Ann <ann@example.test>\nTo: Bob <bob@example.test>\nSubject: awkward\n"
        "Message-ID: <awkward@client.example>\nDate: Tue, 24 Nov 2026 08:00:00 +0000\n"
        "MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=frontier\n\n"
        "--frontier\nContent-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit\n\n"
        "Grüße, 日本語\n.\n..\n...three\n.leading\n\n")
    long_lines = b"".join(bytes([97 + i % 26]) * 998 + b"\r\n" for i in range(40))
    octets = rng.randbytes(10 * 1024 * 1024 * 3 // 4)
    import base64
    data = base64.encodebytes(octets).replace(b"\n", b"\r\n")
    tail = crlf("\n--frontier\nContent-Type: application/octet-stream\n"
                "Content-Transfer-Encoding: base64\n\n")
    return head + long_lines + tail + data + b"\r\n--frontier--\r\n.last line\r\n"


def body_by_imap(suite, user, number="1"):
    client = suite.imap(user)
    client.select("INBOX", readonly=True)
    octets = client.fetch(number, "(BODY.PEEK[])")[1][0][1]
    size = int(re.search(rb"RFC822.SIZE (\d+)", client.fetch(number, "(RFC822.SIZE)")[1][0]).group(1))
    client.logout()
    assert size == len(octets), f"RFC822.SIZE {size}, BODY[] {len(octets)}"
    return octets


def body_by_pop(suite, user, number=1):
    client = suite.pop(user)
    lines = client.retr(number)[1]
    octets = b"".join(line + b"\r\n" for line in lines)
    size = int(client.list(number).split()[2])
    client.quit()
    assert size == len(octets), f"LIST says {size}, RETR has {len(octets)}"
    return octets


def check_octets(suite):
    sent = awkward_message()
    suite.send("ann@example.test", "bob@example.test", sent, local_hostname="client.example")
    by_imap = body_by_imap(suite, "bob@example.test")
    by_pop = body_by_pop(suite, "bob@example.test")
    assert by_pop == by_imap, "POP3 and IMAP differ"
    assert without_trace(by_imap) == sent, "not the octets that were sent"
    head = by_imap[:by_imap.index(b"\r\n\r\n")].decode()
    assert head.startswith(("Return-Path: <ann@example.test>", "Delivered-To: bob@example.test")), head
    assert head.count("Delivered-To:") == 1 and head.count("Return-Path:") == 1, head
    assert re.search(r"Received: from client\.example .*for <bob@example\.test>", head, re.S), head


def test_octets_come_back():
    with Suite("--user", "ann@example.test:secret", "--user", "bob@example.test:secret") as suite:
        check_octets(suite)


def test_octets_come_back_over_ipv6():
    import socket
    from suite import Skip
    try:
        with socket.socket(socket.AF_INET6) as s:
            s.bind(("::1", 0))
    except OSError:
        raise Skip("this machine has no IPv6 loopback")
    listeners = []
    for title in ("smtp", "submission", "submissions", "pop3", "pop3s", "imap", "imaps"):
        listeners += ["--set", f'listen.{title}.address={{"[::1]:0"}}']
    with Suite("--user", "ann@example.test:secret", "--user", "bob@example.test:secret",
               *listeners) as suite:
        assert suite.at("smtp")[0] == "::1", suite.ready
        check_octets(suite)


def test_any_address_and_any_password_in_test():
    with Suite() as suite:
        suite.send("x@elsewhere.example", "new.person@some.example", message("first use"))
        octets = body_by_imap(suite, "new.person@some.example")
        assert b"Subject: first use" in octets


def test_return_path_that_came_is_replaced():
    with Suite() as suite:
        suite.send("real@sender.example", "joe@example.test",
                   b"Return-Path: <forged@sender.example>\r\n" + message("paths"))
        octets = body_by_imap(suite, "joe@example.test")
        assert b"forged@sender.example" not in octets
        assert octets.count(b"Return-Path: <real@sender.example>\r\n") == 1


def test_one_body_for_each_recipient_its_own_delivered_to():
    with Suite() as suite:
        people = ["a@example.test", "b@example.test", "c@example.test"]
        suite.send("s@sender.example", people, message("shared"))
        for person in people:
            octets = body_by_imap(suite, person)
            assert f"Delivered-To: {person}\r\n".encode() in octets
            head = octets[:octets.index(b"\r\n\r\n")]
            assert b" for <" not in head, "Received names a recipient of several"


def test_corpus():
    """Every odd message is delivered, listed in all its parts and read back.

    POSTROOM_CORPUS names another folder of .eml files to do the same with.
    """
    folder = os.environ.get("POSTROOM_CORPUS") or os.path.join(
        os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "data", "mail")
    names = sorted(n for n in os.listdir(folder) if n.endswith(".eml"))
    assert len(names) >= 200, f"only {len(names)} messages in {folder}"
    with Suite() as suite:
        sent = []
        with suite.smtp() as client:
            for name in names:
                with open(os.path.join(folder, name), "rb") as file:
                    octets = file.read()
                # SMTP carries CRLF lines without NUL
                octets = re.sub(rb"\r?\n|\r", b"\r\n", octets).replace(b"\0", b"")
                if not octets.endswith(b"\r\n"):
                    octets += b"\r\n"
                refused = client.sendmail("corpus@sender.example", ["corpus@example.test"], octets)
                assert not refused, (name, refused)
                sent.append(octets)
        imap = suite.imap("corpus@example.test")
        count = int(imap.select("INBOX")[1][0])
        assert count == len(names), f"{count} of {len(names)} there"
        listed = imap.fetch("1:*", "(UID ENVELOPE BODYSTRUCTURE BODY)")[1]
        assert sum(1 for item in listed if b"UID" in (item[0] if isinstance(item, tuple) else item)) >= count
        own = re.compile(rb"\A(?:Return-Path:[^\r\n]*\r\n(?:[ \t][^\r\n]*\r\n)*)+", re.I)
        for number, octets in enumerate(sent, 1):
            back = imap.fetch(str(number), "(BODY.PEEK[])")[1][0][1]
            # a Return-Path that came, wherever it stood in the header, is not kept
            expected = strip_return_path(octets)
            got = strip_delivery(back)
            assert hashlib.sha256(got).digest() == hashlib.sha256(expected).digest(), \
                f"{names[number - 1]}: {len(got)} octets came back, {len(expected)} were sent"
            walk_parts(imap, number)
        imap.logout()
        by_pop = suite.pop("corpus@example.test")
        assert by_pop.stat()[0] == count
        for number in range(1, count + 1):
            by_pop.retr(number)
        by_pop.quit()


def header_fields(octets):
    """(header fields with their folded lines, the rest)."""
    fields, at = [], 0
    while at < len(octets):
        end = octets.find(b"\r\n", at)
        end = len(octets) if end < 0 else end + 2
        line = octets[at:end]
        if line == b"\r\n":
            break
        if line[:1] in (b" ", b"\t") and fields:
            fields[-1] += line
        else:
            fields.append(line)     # a line without a colon too, such as mbox's "From "
        at = end
    return fields, octets[at:]


def strip_return_path(octets):
    fields, rest = header_fields(octets)
    return b"".join(f for f in fields if not f.lower().startswith(b"return-path:")) + rest


def strip_delivery(octets):
    """Without our Delivered-To, Return-Path and the first Received."""
    fields, rest = header_fields(octets)
    ours = [b"delivered-to:", b"return-path:", b"received:"]
    for name in ours:
        for index, field in enumerate(fields):
            if field.lower().startswith(name):
                del fields[index]
                break
    return b"".join(fields) + rest


def walk_parts(imap, number):
    """Reads each part that exists by number, two levels deep."""
    for part in ("1", "2", "3", "1.1", "1.2", "2.1", "1.1.1"):
        answer = imap.fetch(str(number), f"(BODY.PEEK[{part}] BODY.PEEK[{part}.MIME])")
        assert answer[0] == "OK", (number, part, answer)


def test_dates_around_midnight():
    """SEARCH dates disregard time and zone (RFC 9051 6.4.4), wherever the server stands."""
    for zone in ("Etc/GMT-14", "Etc/GMT+12"):
        with Suite(env={"TZ": zone}) as suite:
            imap = suite.imap("joe@example.test")
            for date in ('"24-Nov-2026 23:59:59 +1400"', '"25-Nov-2026 00:00:01 +1400"',
                         '"24-Nov-2026 23:59:59 -1200"', '"25-Nov-2026 00:00:01 -1200"'):
                assert imap.append("INBOX", "", date, message("dated"))[0] == "OK"
            imap.select("INBOX")
            shown = imap.fetch("1:*", "(INTERNALDATE)")[1]
            assert len(shown) == 4
            on = {}
            for key in ("ON 24-Nov-2026", "ON 25-Nov-2026", "BEFORE 25-Nov-2026",
                        "SINCE 25-Nov-2026", "SENTON 24-Nov-2026", "SENTSINCE 25-Nov-2026"):
                on[key] = imap.search(None, key)[1][0].split()
            assert on["SENTON 24-Nov-2026"] == [b"1", b"2", b"3", b"4"], on
            assert on["SENTSINCE 25-Nov-2026"] == [], on
            # the day of INTERNALDATE as it is shown decides
            days = [re.search(rb'INTERNALDATE "([^ ]+|\s\d-[^ ]+) ', row).group(1) for row in shown]
            for day, key in ((b"24-Nov-2026", "ON 24-Nov-2026"), (b"25-Nov-2026", "ON 25-Nov-2026")):
                want = [str(i + 1).encode() for i, d in enumerate(days) if d.strip() == day]
                assert on[key] == want, (zone, days, on)
            assert sorted(on["BEFORE 25-Nov-2026"] + on["SINCE 25-Nov-2026"]) == [b"1", b"2", b"3", b"4"], on
            imap.logout()


def test_news_reach_an_idling_client():
    with Suite() as suite:
        imap = suite.imap("joe@example.test")
        imap.select("INBOX")
        imap.send(b"a IDLE\r\n")
        assert imap.readline().startswith(b"+")
        suite.send("s@sender.example", "joe@example.test", message("news"))
        line = imap.readline()
        assert line == b"* 1 EXISTS\r\n", line
        imap.send(b"DONE\r\n")
        while not imap.readline().startswith(b"a OK"):
            pass
        imap.logout()


def test_two_clients_see_each_other():
    with Suite() as suite:
        one = suite.imap("joe@example.test")
        two = suite.imap("joe@example.test")
        for subject in ("first", "second", "third"):
            suite.send("s@sender.example", "joe@example.test", message(subject))
        assert one.select("INBOX")[1] == [b"3"]
        assert two.select("INBOX")[1] == [b"3"]
        one.store("2", "+FLAGS", r"(\Deleted $Work)")
        two.noop()
        seen = two.untagged_responses.pop("FETCH", [])
        assert any(rb"\Deleted" in row and b"$Work" in row for row in seen), seen
        one.expunge()
        two.noop()
        assert two.untagged_responses.pop("EXPUNGE", []) == [b"2"]
        subjects = two.fetch("1:*", "(BODY.PEEK[HEADER.FIELDS (SUBJECT)])")[1]
        assert [p[1].split(b"\r\n")[0] for p in subjects if isinstance(p, tuple)] == \
            [b"Subject: first", b"Subject: third"]
        one.logout()
        two.logout()


def test_pop_deletes_at_quit():
    with Suite() as suite:
        for subject in ("a", "b", "c"):
            suite.send("s@sender.example", "joe@example.test", message(subject))
        pop = suite.pop("joe@example.test")
        ids = [line.split()[1] for line in pop.uidl()[1]]
        pop.dele(2)
        pop.close()         # no QUIT: nothing is deleted
        pop = wait_for("the mailbox free again", lambda: try_pop(suite))
        assert [line.split()[1] for line in pop.uidl()[1]] == ids
        pop.dele(2)
        pop.quit()
        pop = suite.pop("joe@example.test")
        assert [line.split()[1] for line in pop.uidl()[1]] == [ids[0], ids[2]]
        pop.quit()


def try_pop(suite):
    import poplib
    try:
        return suite.pop("joe@example.test")
    except poplib.error_proto:
        return None
