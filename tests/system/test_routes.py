"""Mail of some domains for other LMTP servers: scripted ones, one line of Python a behaviour."""
import os
import select
import shutil
import smtplib
import socket
import ssl
import tempfile
import threading

from milters import Milter, packet
from suite import PATIENCE, POSTROOM, Suite, free_port, message, run, wait_for
from test_links import Keys, sets


class Server:
    """An LMTP server that offers and answers what it is told. after: recipient -> reply after the data."""

    def __init__(self, at, offers=("PIPELINING", "8BITMIME", "SMTPUTF8", "SIZE 1000000", "CHUNKING"), tls=None):
        self.offers, self.after, self.rcpt, self.tls = offers, {}, {}, tls
        self.mails, self.lines, self.pipelined = [], [], False
        family = socket.AF_UNIX if isinstance(at, str) else socket.AF_INET
        self.socket = socket.socket(family)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(at)
        self.socket.listen(20)
        self.open = []
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                client, _ = self.socket.accept()
            except OSError:
                return
            self.open.append(client)
            threading.Thread(target=self.guard, args=(client,), daemon=True).start()

    def guard(self, client):
        try:
            if self.tls:
                client = self.tls.wrap_socket(client, server_side=True)
            self.serve(client)
        except (OSError, ssl.SSLError, ValueError):
            pass
        finally:
            client.close()

    def serve(self, client):
        # without PIPELINING nothing may have come behind a command, neither here nor in the kernel
        one_by_one = "PIPELINING" not in self.offers
        stream = client.makefile("rb", buffering=0 if one_by_one else -1)
        recipients, sender, body = [], "", b""

        def say(text):
            client.sendall(text.encode() + b"\r\n")

        def stored():
            for one in recipients:
                reply = self.after.get(one, "250 2.0.0 Stored")
                if reply.startswith("250"):
                    self.mails.append((sender, one, body))
                say(reply)

        say("220 scripted LMTP")
        while True:
            line = stream.readline()
            if not line:
                return
            if one_by_one and select.select([client], [], [], 0.02)[0]:
                self.pipelined = True
            line = line.decode().rstrip("\r\n")
            self.lines.append(line)
            word = line.split(" ")[0].upper()
            if word == "LHLO":
                for offer in self.offers:
                    say(f"250-{offer}")
                say("250 ENHANCEDSTATUSCODES")
            elif word == "MAIL":
                sender, recipients, body = line[11:].split(">")[0], [], b""
                say("250 2.1.0 Ok")
            elif word == "RCPT":
                one = line[9:].split(">")[0]
                reply = self.rcpt.get(one, "250 2.1.5 Ok")
                if reply.startswith("250"):
                    recipients.append(one)
                say(reply)
            elif word == "DATA":
                say("354 Go on")
                body = b""
                while True:
                    part = stream.readline()
                    if part in (b".\r\n", b""):
                        break
                    body += part[1:] if part.startswith(b".") else part
                stored()
            elif word == "BDAT":
                octets = int(line.split(" ")[1])
                body += stream.read(octets)
                if line.upper().endswith("LAST"):
                    stored()
                else:
                    say("250 2.0.0 Ok")
            elif word == "RSET":
                say("250 2.0.0 Ok")
            elif word == "QUIT":
                say("221 2.0.0 Bye")
                return
            else:
                say("500 5.5.1 What?")

    def close(self):
        self.socket.shutdown(socket.SHUT_RDWR)  # wakes who accepts
        self.socket.close()
        for client in self.open:
            try:
                client.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass


class World:
    """A suite whose lists.example.test goes to a server of ours, over a Unix socket unless `to` says otherwise."""

    def __init__(self, to=None, args=(), **server):
        self.at = tempfile.mkdtemp(prefix="postroom-routes-")
        self.path = os.path.join(self.at, "lmtp.sock")
        self.server = Server(to[1] if to else self.path, **server)
        self.suite = Suite("--set", "route.lists.domains=lists.example.test",
                           "--set", f"route.lists.to={to[0] if to else 'unix:' + self.path}", *args, profile="lab")

    def __enter__(self):
        return self

    def __exit__(self, *what):
        try:
            self.suite.__exit__(*what)
        finally:
            self.server.close()
            shutil.rmtree(self.at, ignore_errors=True)

    def send(self, recipients, subject, login=False, options=(), rcpt_options=(), body="hello\n", sender=None):
        """What each RCPT and the data were answered."""
        suite = self.suite
        name = "submission" if login else "smtp"
        sender = sender or ("bob@example.test" if login else "ann@client.example")
        with suite.smtp(name) as client:
            client.ehlo("client.example")
            if login:
                client.starttls(context=suite.tls_context())
                client.ehlo("client.example")
                client.login("bob@example.test", "secret")
            code, text = client.mail(sender, options)
            if code != 250:
                return [(code, text.decode())]
            answers = [client.rcpt(one, rcpt_options) for one in recipients]
            if any(code == 250 for code, _ in answers):
                try:
                    answers.append(client.data(message(subject, sender=sender, body=body)))
                except smtplib.SMTPDataError as problem:
                    answers.append((problem.smtp_code, problem.smtp_error))
            return [(code, text.decode()) for code, text in answers]

    def got(self, recipient):
        return [body for _, one, body in self.server.mails if one == recipient]

    def inbox(self):
        with self.suite.imap("bob@example.test") as client:
            client.select("INBOX")
            found = client.search(None, "ALL")[1][0].split()
            return [client.fetch(n.decode(), "(BODY.PEEK[])")[1][0][1] for n in found]


A, B, C = (f"{x}@lists.example.test" for x in "abc")


def codes(answers):
    return [code for code, _ in answers]


def test_a_domain_has_its_own_server():
    with World() as world:
        assert codes(world.send([A, B], "two", body="a\n.dot\n..two\n")) == [250, 250, 250]
        assert len(world.got(A)) == len(world.got(B)) == 1
        assert b"\r\n.dot\r\n..two\r\n" in world.got(A)[0] and b"Received: from client.example" in world.got(A)[0]
        assert not any("XMID" in line for line in world.server.lines)
        # the others are mailboxd's; a transaction has one route
        assert codes(world.send(["bob@example.test"], "local")) == [250, 250]
        answers = world.send(["bob@example.test", A, "ann@example.test"], "mixed")
        assert codes(answers) == [250, 452, 250, 250] and "4.5.3" in answers[1][1], answers
        assert codes(world.send([A, "bob@example.test"], "mixed too")) == [250, 452, 250]
        # one that is refused on the one way does not bind the others
        assert codes(world.send(["nobody@example.test", A], "after a refusal")) == [550, 250, 250]
        world.server.rcpt[A] = "550 5.1.1 Not here"
        answers = world.send([A, "bob@example.test"], "and back")
        assert codes(answers) == [550, 250, 250] and "5.1.1 Not here" in answers[0][1], answers
        assert len(world.inbox()) == 3
        # upper case, and a large one
        world.server.rcpt.clear()
        assert codes(world.send(["a@LISTS.Example.TEST"], "case", body="x" * 70 + "\n" + ("y" * 70 + "\n") * 9000)) == [250, 250]
        assert len(world.got("a@LISTS.Example.TEST")[0]) > 600000


def test_a_server_that_offers_little():
    with World(offers=()) as world:
        assert codes(world.send([A, B, C], "plain", body=".\n..\n.end\n")) == [250, 250, 250, 250]
        assert not world.server.pipelined and "DATA" in world.server.lines
        assert world.got(B)[0].endswith(b"\r\n.\r\n..\r\n.end\r\n"), world.got(B)
        assert codes(world.send([A], "again")) == [250, 250]
        # what it lacks is refused, not altered
        for options, want in ((("BODY=8BITMIME",), "554 5.6.3"), (("SMTPUTF8",), "550 5.6.7")):
            code, text = world.send([A], "more", options=options)[0]
            assert f"{code} {text}".startswith(want), (options, code, text)
        code, text = world.send([A], "report", login=True, options=("RET=HDRS",))[0]
        assert f"{code} {text}".startswith("554 5.3.3"), (code, text)
        answers = world.send([A, B], "report", login=True, rcpt_options=("NOTIFY=SUCCESS",))
        assert codes(answers) == [554, 554], answers
        assert len(world.server.mails) == 4, world.server.mails


def test_answers_after_the_data():
    with World() as world:
        after = world.server.after
        # (a, b, c) after the data; what the client hears; who has it
        for name, replies, code, words, have in (
                ("all fine", {}, 250, "", "abc"),
                ("all for good", {A: "550 5.7.1 no", B: "552 5.2.2 full", C: "550 5.7.1 no"}, 550, "no", ""),
                ("all for now", {A: "451 4.2.0 a", B: "452 4.2.2 b", C: "451 4.2.0 c"}, 451, "a", ""),
                ("some for good", {B: "550 5.7.1 spam"}, 554, "<b@lists.example.test>", "ac"),
                ("good and now", {A: "550 5.7.1 no", B: "451 4.2.0 later", C: "550 5.7.1 no"}, 451, "later", "")):
            after.clear()
            after.update(replies)
            world.server.mails.clear()
            answers = world.send([A, B, C], name)
            assert answers[-1][0] == code and words in answers[-1][1], (name, answers)
            assert "".join(sorted(one[0] for _, one, _ in world.server.mails)) == have, (name, world.server.mails)


def test_the_repeat_reaches_only_the_others():
    with World() as world:
        after = world.server.after
        after.update({B: "451 4.2.0 later", C: "550 5.7.1 never"})
        answers = world.send([A, B, C], "repeat")
        assert answers[-1][0] == 451, answers
        world.server.lines.clear()
        after.pop(B)
        answers = world.send([A, B, C], "repeat")
        assert answers[-1][0] == 554 and "<c@" in answers[-1][1], answers
        assert len(world.got(A)) == len(world.got(B)) == 1 and not world.got(C)
        assert not any("a@lists" in line for line in world.server.lines), world.server.lines
        # everybody has it by now but C; a repeat of all of it is another message
        after.clear()
        # one that is not the same message is not taken for it
        after.update({B: "451 4.2.0 later"})
        assert world.send([A, B], "first")[-1][0] == 451
        assert world.send([A, B], "second")[-1][0] == 451
        after.clear()
        assert codes(world.send([A, B], "second")) == [250, 250, 250]
        assert sum(b"Subject: second" in body for body in world.got(A)) == 1
        assert sum(b"Subject: second" in body for body in world.got(B)) == 1
        # all that is left has it
        after.update({B: "451 4.2.0 later"})
        assert world.send([A, B], "third")[-1][0] == 451
        answers = world.send([A], "third")
        assert codes(answers) == [250, 250], answers
        assert sum(b"Subject: third" in body for body in world.got(A)) == 1


def test_a_sender_of_ours_gets_a_report():
    with World() as world:
        world.server.after.update({B: "550 5.7.1 No thanks"})
        answers = world.send([A, B], "to a list", login=True)
        assert codes(answers) == [250, 250, 250], answers
        assert len(world.got(A)) == 1
        report = world.inbox()[-1]
        assert b"report-type=delivery-status" in report and b"Return-Path: <>" in report, report
        assert b"Final-Recipient: rfc822; b@lists.example.test\r\nAction: failed\r\nStatus: 5.7.1\r\n" in report, report
        assert b"Diagnostic-Code: smtp; 550 5.7.1 No thanks" in report and b"a@lists" not in report, report


def test_a_report_leaves_out_what_the_sender_does_not_want_to_hear():
    with World(offers=("PIPELINING", "8BITMIME", "DSN")) as world:
        world.server.after.update({B: "550 5.7.1 No thanks"})
        before = len(world.inbox())
        for notify, reports in (("NEVER", 0), ("SUCCESS", 0), ("FAILURE", 1)):
            answers = world.send([A, B], f"notify {notify}", login=True, rcpt_options=(f"NOTIFY={notify}",))
            assert codes(answers) == [250, 250, 250], answers
            assert len(world.inbox()) == before + reports, notify
        # who is not ours is told by the reply itself
        assert codes(world.send([A, B], "a stranger")) == [250, 250, 554]


def test_a_server_that_is_away():
    with World() as world:
        assert codes(world.send([A], "before")) == [250, 250]
        world.server.close()
        wait_for("451", lambda: world.send([A], "away")[-1][0] == 451)
        wait_for("at once", lambda: "status=unavailable" in world.suite.log_text())
        answers = world.send([A, "bob@example.test"], "the others go on")
        assert codes(answers) == [451, 250, 250] and "4.3.0" in answers[0][1], answers
        os.unlink(world.path)
        world.server = Server(world.path)
        wait_for("the server again", lambda: codes(world.send([A], "after")) == [250, 250])


def context_of(pair):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*pair)
    return context


def test_over_tls():
    with Keys() as keys:
        pair, port = keys.make("lists.test"), free_port()
        world = World(to=(f"lmtps://127.0.0.1:{port}", ("127.0.0.1", port)), tls=context_of(pair),
                      args=sets(links__authority=keys.authority, route__lists__peer="lists.test"))
        with world:
            assert codes(world.send([A, B], "over TLS")) == [250, 250, 250]
            assert len(world.got(A)) == 1
            # without STARTTLS towards us REQUIRETLS is not offered; inside, the next server lacks it
            assert world.send([A], "x", options=("REQUIRETLS",))[0][0] == 555
            answers = world.send([A], "must", login=True, options=("REQUIRETLS",))
            assert answers[0][0] == 550 and "5.7.30" in answers[0][1], answers
        world = World(to=(f"lmtps://127.0.0.1:{port}", ("127.0.0.1", port)), tls=context_of(pair),
                      offers=("PIPELINING", "8BITMIME", "CHUNKING", "REQUIRETLS"),
                      args=sets(links__authority=keys.authority, route__lists__peer="lists.test"))
        with world:
            assert codes(world.send([A], "must", login=True, options=("REQUIRETLS",))) == [250, 250]
            assert any(line.startswith("MAIL") and "REQUIRETLS" in line for line in world.server.lines)
            # to mailboxd there is a Unix socket
            assert codes(world.send(["bob@example.test"], "local", login=True, options=("REQUIRETLS",))) == [250, 250]
        # not who it should be
        world = World(to=(f"lmtps://127.0.0.1:{port}", ("127.0.0.1", port)), tls=context_of(pair),
                      args=sets(links__authority=keys.authority, route__lists__peer="other.test"))
        with world:
            assert world.send([A], "nobody")[0][0] == 451 and not world.server.mails
            assert "certificate: hostname mismatch" in world.suite.log_text()


def test_in_clear():
    port = free_port()
    with World(to=(f"lmtp://localhost:{port}", ("127.0.0.1", port)), offers=("PIPELINING", "REQUIRETLS")) as world:
        wait_for("the server", lambda: codes(world.send([A], "in clear")) == [250, 250])
        answers = world.send([A], "must", login=True, options=("REQUIRETLS",))
        assert answers[0][0] == 550 and "5.7.30" in answers[0][1], answers


def test_mistakes_of_routes_are_told():
    at = tempfile.mkdtemp(prefix="postroom-routes-")
    try:
        for options, words in (
                ({"route.a.to": "unix:/x"}, "domains are missing"),
                ({"route.a.domains": "x.test"}, "route a: to:"),
                ({"route.a.domains": "x.test", "route.a.to": "lmtps://127.0.0.1:24"}, "authority"),
                ({'route."a b".domains': "x.test", 'route."a b".to': "unix:/x"}, "a title has letters"),
                ({"route.a.domains": "x.test", "route.a.to": "unix:/x", "route.b.domains": "X.test", "route.b.to": "unix:/y"},
                 "has another route already")):
            args = [word for name, value in options.items() for word in ("--set", f"{name}={value}")]
            status, text = run(POSTROOM, "lab", "--dir", os.path.join(at, "lab"), "--ports", "auto", *args, check=False)
            assert status != 0 and words in text, (options, status, text)
    finally:
        shutil.rmtree(at, ignore_errors=True)


def with_milter(answer):
    folder = tempfile.mkdtemp(prefix="postroom-milter-")
    path = os.path.join(folder, "one")
    return folder, Milter(path, end=lambda data: answer + packet(b"c")), ("--set", f"milter.one.socket={path}")


def test_a_milter_takes_a_recipient_away():
    """What the server says of the others is theirs: nobody is left out when it is sent again."""
    take_away(packet(b"-", A.encode() + b"\0"))


def test_a_milter_changes_the_sender():
    """It is the same message again, for the client has not changed it."""
    take_away(packet(b"-", A.encode() + b"\0") + packet(b"e", b"<z@client.example>\0"))


def take_away(answer):
    folder, milter, args = with_milter(answer)
    try:
        with World(args=args) as world:
            world.server.after[B] = "451 4.2.0 Later"
            assert codes(world.send([A, B, C], "partial")) == [250, 250, 250, 451]
            world.server.after.clear()
            assert codes(world.send([A, B, C], "partial")) == [250, 250, 250, 250]
            assert [len(world.got(one)) for one in (A, B, C)] == [0, 1, 1], world.server.lines
    finally:
        milter.close()
        shutil.rmtree(folder)


def test_a_milter_sets_it_aside():
    """Who looks after such mail is here, whosever server it was for."""
    folder, milter, args = with_milter(packet(b"q", b"bad\0"))
    try:
        with World(args=args) as world:
            assert codes(world.send([A], "aside")) == [250, 250]
            assert not world.server.mails and not any("postmaster" in line for line in world.server.lines)
    finally:
        milter.close()
        shutil.rmtree(folder)
