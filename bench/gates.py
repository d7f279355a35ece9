"""What the figures are held against: one table for all rows of compare.

rate: at least so many a second; cpu: at most so many microseconds of the server's
CPU for one; most: the figure itself, at most; ratio: at least so many times the peers.
"""
GATES = {
    "lmtp-64": dict(rate=10000, cpu=120),
    "lmtp-1": dict(rate=1500),
    "lmtp-hot": dict(rate=6000),
    "lmtp-64k": dict(rate=2000),
    "lmtp-10rcpt": dict(rate=15000),
    "smtp-50": dict(ratio=20, rate=6000, cpu=200),
    "smtp-1": dict(ratio=4),
    "smtp-64k": dict(ratio=8),
    "smtp-10rcpt": dict(ratio=15),
    "smtp-new": dict(ratio=10),
    "list-first": dict(ratio=10),
    "list-warm": dict(ratio=3),
    "flags": dict(ratio=1.2),
    "bodies": dict(ratio=1.5),
    "bodies-tls": dict(ratio=2),
    "pop-retr": dict(ratio=2),
    "search-body": dict(ratio=30),
    "search-subject": dict(ratio=5),
    "sort": dict(ratio=1),
    "thread": dict(ratio=1),
    "select": dict(most=3),
    "store-1": dict(ratio=0.5),
    "store-8": dict(ratio=1),
    "store-range": dict(ratio=1),
    "login": dict(ratio=8),
    "mixed-10": dict(ratio=3),
    "mixed-50": dict(ratio=3),
    "exists": dict(most=1),
    "idle-plain": dict(most=12),
    "idle-tls": dict(most=40),
    "handshake": dict(ratio=0.7),
    "smtp-memory": dict(most=100),
    "growth": dict(ratio=2 / 3),
    "growth-memory": dict(most=200),
}
WORDS = {
    "rate": lambda figures, want: (figures["rate"] >= want, f">= {want:,}/s"),
    "cpu": lambda figures, want: (figures["cpu"] <= want, f"<= {want} us"),
    "most": lambda figures, want: (figures["value"] <= want, f"<= {want}"),
    "ratio": lambda figures, want: (figures["ratio"] >= want, f">= {want:.3g}x"),
}


def judge(name, figures):
    """Words for the table: each gate, met or not; a gate without its figure is not judged."""
    words = []
    for kind, want in GATES.get(name, {}).items():
        needed = "value" if kind == "most" else kind
        if figures.get(needed) is None:
            words.append(f"{kind} not judged")
            continue
        good, text = WORDS[kind](figures, want)
        words.append(text + (" met" if good else " NOT MET"))
    return ", ".join(words)
