"""The rows of sessions: a mixed load, logins, handshakes, news, and what idle ones cost."""
import os
import re
import resource
import select
import socket
import statistics
import subprocess
import sys
import time

from access import Imap, timed
from delivery import run_load
from gates import judge
from measure import memory_kib
from ours import ACCOUNTS

IDLE_ACCOUNTS = 4               # user90 to user93, a thousand messages each
SMTP_SENDERS = 1000


class Context:
    """What the functions below need besides the side."""

    def __init__(self, options, load, cert, key):
        self.options, self.load, self.cert, self.key = options, load, cert, key
        self.filled = set()

    def once(self, side, what):
        new = (side, what) not in self.filled
        self.filled.add((side, what))
        return new


# ---- commands

def mixed(side, context, connections):
    """Commands a second; each connection has an account of its own."""
    if context.once(side, "mixed"):
        run_load(context.load, side, "lmtp", ["--connections", "16", "--accounts", "50"], 10000)
    done = subprocess.run([os.path.join(os.path.dirname(context.load), "imap_load"), side.at["imap"],
                           "--connections", str(connections), "--seconds", "2" if context.options.quick else "8"],
                          capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{side.name}: {done.stdout}{done.stderr}")
    return float(re.search(r"per_second=(\d+)", done.stdout).group(1))


def cold_logins(side, context):
    """Each account once, to a server that has just started: every password is checked."""
    side.restart()
    Imap(side).close()          # what the first one sets up

    def loop():
        for number in range(1, ACCOUNTS):
            Imap(side, user=f"user{number}@example.test").close()
    return (ACCOUNTS - 1) / timed(loop)


# ---- news

def exists_ms(side, context, count=100):
    """From the sender's 250 to the EXISTS at a client in IDLE; 0 where it came first."""
    imap = Imap(side, user="user95@example.test")
    imap.run("SELECT INBOX")
    imap.socket.sendall(b"i IDLE\r\n")
    imap.read_until(b"\r\n")
    host, port = side.at["smtp"].rsplit(":", 1)
    smtp = socket.create_connection((host, int(port)), timeout=60)
    smtp.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    ask(smtp, None)
    ask(smtp, b"EHLO load.example\r\n")
    delays = []
    for number in range(10 if context.options.quick else count):
        for command in (b"MAIL FROM:<load@sender.example>\r\n", b"RCPT TO:<user95@example.test>\r\n", b"DATA\r\n"):
            ask(smtp, command)
        smtp.sendall(b"Subject: news %d\r\n\r\nhello\r\n.\r\n" % number)
        told = came = None
        while told is None or came is None:
            for ready in select.select([smtp, imap.socket], [], [], 60)[0]:
                now = time.perf_counter()
                text = ready.recv(65536)
                if ready is smtp:
                    assert text.startswith(b"250"), text
                    told = now
                elif b"EXISTS" in text:
                    came = now
        delays.append(max(0.0, came - told) * 1e3)
    smtp.close()
    imap.close()
    return statistics.median(delays)


def ask(sock, command):
    """One command, its whole reply."""
    if command:
        sock.sendall(command)
    text = b""
    while not re.search(rb"(^|\r\n)\d\d\d [^\r\n]*\r\n$", text):
        piece = sock.recv(4096)
        assert piece, "the server closed the connection"
        text += piece
    assert text[:1] in b"23", text
    return text


# ---- memory

def idle_kib(side, context, tls):
    """Of one session in IDLE, over all processes."""
    if context.once(side, "idle"):
        run_load(context.load, side, "lmtp", ["--connections", "16", "--to", "user9%d@example.test",
                                              "--accounts", str(IDLE_ACCOUNTS)], IDLE_ACCOUNTS * 1000)
    count = context.options.idle if side.name == "Postroom" else min(context.options.idle, 500)
    if context.options.quick:
        count = min(count, 1000)
    side.restart()              # memory that was freed before counts for nobody
    time.sleep(2)
    before = memory_kib(side.roots)
    sessions = []
    for number in range(count):
        imap = Imap(side, user=f"user9{number % IDLE_ACCOUNTS}@example.test", tls=tls)
        imap.run("SELECT INBOX")
        imap.socket.sendall(b"i IDLE\r\n")
        imap.read_until(b"\r\n")
        sessions.append(imap)
    time.sleep(20)              # ours give buffers back, theirs hibernate
    each = (memory_kib(side.roots) - before) / count
    for imap in sessions:
        imap.close()
    return each


def smtp_megabytes(side, context):
    """Resident memory of smtpd with senders that are each in the middle of a 1 MiB message."""
    host, port = side.at["smtp"].rsplit(":", 1)
    half = (b"0123456789" * 7 + b"\r\n") * (524288 // 72)
    senders = []
    for number in range(SMTP_SENDERS):
        smtp = socket.create_connection((host, int(port)), timeout=60)
        ask(smtp, None)
        for command in (b"EHLO load.example\r\n", b"MAIL FROM:<load@sender.example> SIZE=1048576\r\n",
                        b"RCPT TO:<user%d@example.test>\r\n" % (number % ACCOUNTS), b"DATA\r\n"):
            ask(smtp, command)
        smtp.sendall(b"Message-ID: <%s@load.example>\r\n\r\n" % os.urandom(8).hex().encode() + half)
        senders.append(smtp)
    time.sleep(1)
    resident = memory_kib(side.roots, "VmRSS", "smtpd") / 1000
    for smtp in senders:        # and all of them arrive
        smtp.sendall(half + b".\r\n")
    for smtp in senders:
        ask(smtp, None)
        smtp.close()
    return resident


# ---- handshakes

def handshakes(target, context):
    done = subprocess.run(["openssl", "s_time", "-connect", target, "-new", "-time",
                           "2" if context.options.quick else "6"], capture_output=True, text=True,
                          stdin=subprocess.DEVNULL)
    found = re.search(r"(\d+) connections in (\d+) real seconds", done.stdout)
    if not found:
        sys.exit(f"openssl s_time {target}: {done.stdout}{done.stderr}")
    return int(found.group(1)) / int(found.group(2))


def handshake_row(side, context, show):
    """Ours in turns with openssl s_server, same key and certificate."""
    port = 42999
    server = subprocess.Popen(["openssl", "s_server", "-accept", f"127.0.0.1:{port}", "-cert", context.cert,
                               "-key", context.key, "-www", "-quiet"], stdin=subprocess.PIPE,
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        time.sleep(0.5)
        got = [], []
        for _ in range(context.options.turns):
            got[0].append(handshakes(side.at["submissions"], context))
            got[1].append(handshakes(f"127.0.0.1:{port}", context))
    finally:
        server.terminate()
        server.wait()
    show("handshake", "TLS handshakes (beside openssl s_server)", "/s", got[0], got[1], True)


# name: (what, unit, function, higher is better, in turns with the peers)
ROWS = {
    "mixed-10": ("mixed IMAP, 10 connections", "/s", lambda s, c: mixed(s, c, 10), True, True),
    "mixed-50": ("mixed IMAP, 50 connections", "/s", lambda s, c: mixed(s, c, 50), True, True),
    "login-cold": ("logins, cold", "/s", cold_logins, True, True),
    "exists": ("EXISTS at an idling client after the 250", "ms", exists_ms, False, True),
    "idle-plain": ("an idle session, all processes", "KiB", lambda s, c: idle_kib(s, c, False), False, True),
    "idle-tls": ("an idle session over TLS, all processes", "KiB", lambda s, c: idle_kib(s, c, True), False, True),
    "smtp-memory": ("smtpd, 1,000 senders amid a 1 MiB message", "MB", smtp_megabytes, False, False),
    "handshake": ("TLS handshakes", "/s", None, True, False),
}
ONCE = ("idle-plain", "idle-tls", "smtp-memory")


def rows(sides, names, options, load, cert, key):
    ours, _ = sides
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    context = Context(options, load, cert, key)

    def show(name, what, unit, mine, theirs, higher):
        shown = "{:,.0f}" if unit == "/s" else "{:,.2f} "
        cells = [f"{shown.format(statistics.median(v))}{unit} ({shown.format(min(v)).strip()}-"
                 f"{shown.format(max(v)).strip()})" if v else "" for v in (mine, theirs)]
        value, ratio = statistics.median(mine), None
        if theirs:
            other = statistics.median(theirs)
            ratio = (value / other if higher else other / value) if min(value, other) > 0 else float("inf")
        print(f"{what:52} {cells[0]:>28} {cells[1]:>28} {f'{ratio:.1f}x' if ratio else '':>7}"
              f"  {judge(name, dict(value=value, rate=value, ratio=ratio))}", flush=True)

    print()
    for name in names:
        what, unit, function, higher, in_turns = ROWS[name]
        if function is None:
            handshake_row(ours, context, show)
            continue
        got = {side: [] for side in sides}
        for _ in range(1 if name in ONCE else options.turns):
            for side in sides if in_turns else (ours,):
                got[side].append(function(side, context))
        show(name, what, unit, *got.values(), higher)
