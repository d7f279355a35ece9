"""What a mail reader asks for, timed over a raw socket so that the client costs
next to nothing. Each function takes a side (at: name -> host:port) and gives a
figure; higher is better for rates, lower for milliseconds."""
import socket
import ssl
import statistics
import time

USER, PASSWORD = "user0@example.test", "secret"


class Imap:
    def __init__(self, side, user=USER, tls=False):
        host, port = side.at["imaps" if tls else "imap"].rsplit(":", 1)
        self.socket = socket.create_connection((host, int(port)), timeout=120)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if tls:
            context = ssl.create_default_context()
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
            self.socket = context.wrap_socket(self.socket)
        self.number = 0
        self.read_until(b"\r\n")
        self.run(f'LOGIN {user} {PASSWORD}')

    def read_until(self, end):
        tail = b""
        octets = 0
        while True:
            piece = self.socket.recv(1 << 20)
            if not piece:
                raise AssertionError("the server closed the connection")
            octets += len(piece)
            tail = (tail + piece)[-4096:]
            if end in tail and tail.endswith(b"\r\n"):
                return octets, tail

    def send(self, command):
        self.number += 1
        tag = f"t{self.number}"
        self.socket.sendall(f"{tag} {command}\r\n".encode())
        return f"{tag} OK".encode()

    def run(self, command):
        return self.read_until(self.send(command))

    def close(self):
        self.socket.close()


def timed(function):
    begin = time.perf_counter()
    function()
    return time.perf_counter() - begin


def fetch_rate(side, messages, items, tls=False, turns=3):
    imap = Imap(side, tls=tls)
    imap.run("SELECT INBOX")
    imap.run(f"FETCH 1:100 {items}")
    rate = messages / statistics.median(timed(lambda: imap.run(f"FETCH 1:* {items}")) for _ in range(turns))
    imap.close()
    return rate


LISTING = "(UID FLAGS INTERNALDATE RFC822.SIZE ENVELOPE BODYSTRUCTURE)"


def first_listing(side, messages):
    imap = Imap(side)
    imap.run("SELECT INBOX")
    rate = messages / timed(lambda: imap.run(f"FETCH 1:* {LISTING}"))
    imap.close()
    return rate


def select_ms(side, messages):
    imap = Imap(side)
    imap.run("SELECT INBOX")
    imap.run("CLOSE")
    result = statistics.median(timed(lambda: imap.run("SELECT INBOX")) for _ in range(15)) * 1e3
    imap.close()
    return result


def command_ms(side, command):
    imap = Imap(side)
    imap.run("SELECT INBOX")
    imap.run(command)
    result = statistics.median(timed(lambda: imap.run(command)) for _ in range(3)) * 1e3
    imap.close()
    return result


def search_ms(side, messages, key):
    return command_ms(side, f"SEARCH {key}")


def store_single(side, messages, in_flight=1, count=2000):
    imap = Imap(side)
    imap.run("SELECT INBOX")

    def loop():
        ends = []
        for index in range(count):
            sign = "+" if index % 2 == 0 else "-"
            ends.append(imap.send(f"STORE {index // 2 % messages + 1} {sign}FLAGS.SILENT (\\Flagged)"))
            if len(ends) >= in_flight:
                imap.read_until(ends[-1])
                ends = []
        if ends:
            imap.read_until(ends[-1])
    loop()
    result = count / timed(loop)
    imap.close()
    return result


def store_range(side, messages):
    imap = Imap(side)
    imap.run("SELECT INBOX")
    times = []
    for sign in "+-+-":
        times.append(timed(lambda: imap.run(f"STORE 1:* {sign}FLAGS.SILENT (\\Answered)")))
    imap.close()
    return messages / statistics.median(times)


def logins(side, messages, count=300):
    def loop():
        for _ in range(count):
            Imap(side).close()
    loop()
    return count / timed(loop)


def pop_retr(side, messages):
    host, port = side.at["pop3"].rsplit(":", 1)
    s = socket.create_connection((host, int(port)), timeout=120)
    s.settimeout(120)

    def line():
        text = b""
        while not text.endswith(b"\r\n"):
            text += s.recv(1)
        return text
    line()
    for command in (f"USER {USER}", f"PASS {PASSWORD}"):
        s.sendall(command.encode() + b"\r\n")
        assert line().startswith(b"+OK")
    count = min(messages, 10000)

    def loop():
        import threading
        commands = b"".join(b"RETR %d\r\n" % n for n in range(1, count + 1)) + b"NOOP\r\n"
        sender = threading.Thread(target=s.sendall, args=(commands,))
        sender.start()
        ends, tail = 0, b""
        while ends < count:
            piece = s.recv(1 << 20)
            if not piece:
                raise AssertionError("the server closed the connection")
            joined = tail + piece
            ends += joined.count(b"\r\n.\r\n")
            tail = joined[-4:]
        sender.join()
        if not joined.endswith(b"\r\n.\r\n"):
            return
        line()
    rate = count / timed(loop)
    s.close()
    return rate


# name: (what, unit, function, higher is better)
ROWS = {
    "list-first": ("FETCH listing, first after delivery", "/s", first_listing, True),
    "list-warm": ("FETCH listing, warm", "/s", lambda s, n: fetch_rate(s, n, LISTING), True),
    "flags": ("FETCH UID FLAGS", "/s", lambda s, n: fetch_rate(s, n, "(UID FLAGS)"), True),
    "bodies": ("FETCH BODY.PEEK[]", "/s", lambda s, n: fetch_rate(s, n, "BODY.PEEK[]"), True),
    "bodies-tls": ("FETCH BODY.PEEK[] over TLS", "/s", lambda s, n: fetch_rate(s, n, "BODY.PEEK[]", tls=True), True),
    "pop-retr": ("POP3 RETR of all, pipelined", "/s", pop_retr, True),
    "search-body": ("SEARCH BODY, a rare word", "ms", lambda s, n: search_ms(s, n, "BODY zqxjkvw"), False),
    "search-subject": ("SEARCH SUBJECT", "ms", lambda s, n: search_ms(s, n, 'SUBJECT "nowhere to be found"'), False),
    "sort": ("SORT (SUBJECT REVERSE DATE)", "ms", lambda s, n: command_ms(s, "SORT (SUBJECT REVERSE DATE) UTF-8 ALL"), False),
    "thread": ("THREAD REFERENCES", "ms", lambda s, n: command_ms(s, "THREAD REFERENCES UTF-8 ALL"), False),
    "select": ("SELECT", "ms", select_ms, False),
    "store-1": ("STORE of one flag, one by one", "/s", store_single, True),
    "store-8": ("STORE of one flag, 8 in flight", "/s", lambda s, n: store_single(s, n, 8), True),
    "store-range": ("STORE over all", "/s", store_range, True),
    "login": ("logins, warm", "/s", logins, True),
}
