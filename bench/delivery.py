"""The rows of delivery: load over LMTP and SMTP, in turns, and the growth of a store."""
import os
import re
import statistics
import subprocess
import sys
import threading
import time

from gates import judge
from measure import cpu_seconds, memory_kib
from ours import ACCOUNTS

# name: (what, protocol, arguments of load, messages for us, for the peers)
ROWS = {
    "lmtp-64": ("LMTP, 4 KiB, 64 connections", "lmtp", ["--connections", "64"], 40000, 4000),
    "lmtp-1": ("LMTP, 4 KiB, 1 connection", "lmtp", ["--connections", "1"], 5000, 1000),
    "lmtp-hot": ("LMTP, 4 KiB, 10 connections, one mailbox", "lmtp",
                 ["--connections", "10", "--accounts", "1"], 20000, 2000),
    "lmtp-64k": ("LMTP, 64 KiB, 32 connections", "lmtp",
                 ["--connections", "32", "--size", "65536"], 6000, 1000),
    "lmtp-10rcpt": ("LMTP, deliveries, a message to 10 mailboxes, 16 conn.", "lmtp",
                    ["--connections", "16", "--recipients", "10"], 6000, 400),
    "smtp-50": ("SMTP, 4 KiB, 50 connections", "smtp", ["--connections", "50"], 30000, 1500),
    "smtp-1": ("SMTP, 4 KiB, 1 connection", "smtp", ["--connections", "1"], 4000, 800),
    "smtp-64k": ("SMTP, 64 KiB, 50 connections", "smtp",
                 ["--connections", "50", "--size", "65536"], 5000, 800),
    "smtp-10rcpt": ("SMTP, deliveries, a message to 10 mailboxes, 20 conn.", "smtp",
                    ["--connections", "20", "--recipients", "10"], 5000, 300),
    "smtp-new": ("SMTP, a new connection each message, 20 at once", "smtp",
                 ["--connections", "20", "--reconnect"], 8000, 1000),
}


def run_load(load, side, protocol, arguments, messages, digests=None):
    done = subprocess.run([load, protocol, side.at[protocol], "--messages", str(messages),
                           *(("--digests", digests) if digests else ()),
                           "--accounts", str(ACCOUNTS), *arguments], capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{side.name}: {done.stdout}{done.stderr}")
    return {name: float(value) for name, value in re.findall(r"(\w+)=([\d.]+)(?= )", done.stdout)}


def one_turn(side, protocol, arguments, messages, load, digests):
    """(deliveries a second, microseconds of CPU a message)"""
    before = cpu_seconds(side.roots)
    begin = time.monotonic()
    run_load(load, side, protocol, arguments, messages, digests)
    while side.waiting():
        time.sleep(0.02)
    seconds = time.monotonic() - begin
    cpu = (cpu_seconds(side.roots) - before) / messages * 1e6
    copies = int(arguments[arguments.index("--recipients") + 1]) if "--recipients" in arguments else 1
    return messages * copies / seconds, cpu


def rows(sides, names, options, load, digests):
    ours, theirs = sides
    print(f"\n{'':52} {'Postroom':>26} {'CPU us':>7} {'Postfix+Dovecot':>20} {'CPU us':>7} {'ratio':>7}  gates")
    for name in names:
        what, protocol, arguments, many, few = ROWS[name]
        scale = 10 if options.quick else 1
        got = {side: [] for side in sides}
        for _ in range(options.turns):
            for side, count in ((ours, many), (theirs, few)):
                got[side].append(one_turn(side, protocol, arguments, count // scale, load, digests[side]))
        median = {side: [statistics.median(column) for column in zip(*got[side])] for side in sides}
        cells = [f"{median[side][0]:,.0f}/s ({min(g[0] for g in got[side]):,.0f}-"
                 f"{max(g[0] for g in got[side]):,.0f})" for side in sides]
        ratio = median[ours][0] / median[theirs][0]
        print(f"{what:52} {cells[0]:>26} {median[ours][1]:>7.0f} {cells[1]:>20} {median[theirs][1]:>7.0f} "
              f"{ratio:>6.1f}x  {judge(name, dict(rate=median[ours][0], cpu=median[ours][1], ratio=ratio))}",
              flush=True)


class MemoryWatch:
    """The most that a daemon had in RssAnon while this ran, in MB."""

    def __init__(self, side, command):
        self.side, self.command, self.most, self.is_over = side, command, 0, threading.Event()
        self.thread = threading.Thread(target=self._run)

    def _run(self):
        while not self.is_over.wait(0.2):
            self.most = max(self.most, memory_kib(self.side.roots, command=self.command) / 1000)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.is_over.set()
        self.thread.join()


def growth(ours, options, load):
    """The delivery rate with 10,000 and with --stored messages in the store, and mailboxd's memory meanwhile."""
    size = ["--size", str(options.stored_size), "--connections", "64", "--seconds", "3600"]

    def rate():
        return statistics.median(run_load(load, ours, "lmtp", size, 10000)["per_second"] for _ in range(options.turns))

    print(f"\na store that grows to {options.stored:,} messages of {options.stored_size} octets (Postroom alone)")
    run_load(load, ours, "lmtp", size, 10000)
    small = rate()
    with MemoryWatch(ours, "mailboxd") as memory:
        run_load(load, ours, "lmtp", size, options.stored - 10000 * (options.turns + 1))
        large = rate()
    octets = sum(os.path.getsize(os.path.join(top, name))
                 for top, _, names in os.walk(os.path.join(ours.dir, "data")) for name in names)
    ratio = large / small
    print(f"{'LMTP, 64 connections, 10,000 stored':52} {small:,.0f}/s")
    print(f"{f'the same, {options.stored:,} stored, {octets / 1e9:.1f} GB on disk':52} {large:,.0f}/s, {ratio:.2f} of it"
          f"  {judge('growth', dict(ratio=ratio))}")
    print(f"{'mailboxd meanwhile, most RssAnon':52} {memory.most:,.0f} MB"
          f"  {judge('growth-memory', dict(value=memory.most))}", flush=True)
