"""Reads every message back over IMAP and compares its digest with what load sent.

load --digests FILE writes a line a message that was accepted. Each must be in the
mailbox of each of its recipients exactly once, and end with the octets that were
sent (trace headers stand in front of them).
"""
import hashlib
import re

from access import Imap

LITERAL = re.compile(rb"\{(\d+)\}\r\n$")
MESSAGE_ID = re.compile(rb"^message-id:[ \t]*<([^>\r]+)>", re.IGNORECASE | re.MULTILINE)


def expected(paths):
    """account: {message id: (octets, digest)}"""
    found = {}
    for path in paths:
        with open(path, "rb") as file:
            for line in file:
                name, octets, digest, first, count, accounts = line.split()
                for index in range(int(count)):
                    account = (int(first) + index) % int(accounts)
                    found.setdefault(account, {})[name] = int(octets), digest.decode()
    return found


def messages(side, account):
    """Every message of the INBOX, as octets."""
    imap = Imap(side, user=f"user{account}@example.test")
    _, text = imap.run("EXAMINE INBOX")
    if b"* 0 EXISTS" not in text:
        end = imap.send("FETCH 1:* BODY.PEEK[]")
        stream = imap.socket.makefile("rb", 1 << 20)
        while True:
            line = stream.readline()
            if not line or line.startswith(end):
                break
            match = LITERAL.search(line)
            if match:
                yield stream.read(int(match.group(1)))
    imap.close()


def compare(side, paths):
    """(how many were right, list of what was wrong)"""
    right, wrong = 0, []
    for account, want in sorted(expected(paths).items()):
        seen = set()
        for octets in messages(side, account):
            head = octets[:4096]
            match = MESSAGE_ID.search(head)
            name = match.group(1) if match else b""
            if name not in want:
                continue        # of a row that keeps no digests
            size, digest = want[name]
            if name in seen:
                wrong.append(f"user{account}: {name.decode()} is there twice")
            elif len(octets) < size or hashlib.sha256(octets[-size:]).hexdigest() != digest:
                wrong.append(f"user{account}: {name.decode()} is not what was sent")
            else:
                right += 1
            seen.add(name)
        wrong += [f"user{account}: {name.decode()} is missing" for name in want.keys() - seen]
    return right, wrong
