"""Lists of addresses and names of clients, asked of a name server of our own."""
import os
import signal
import time

from nameserver import NameServer
from suite import Suite, message, wait_for
from test_policy import UNTRUSTED, attempt, client, count

LISTED = {("9.1.0.127.bl.example", "A"): ["127.0.0.2"],
          ("9.2.0.127.bl.example", "A"): ["127.255.255.254"],
          ("9.3.0.127.bl.example", "A"): ["127.0.0.10"],
          ("9.3.0.127.wl.example", "A"): ["127.0.3.1"],
          ("9.4.0.127.bl.example", "A"): ["127.0.0.10"],
          ("9.1.0.127.in-addr.arpa", "PTR"): ["mx1.example.net"],
          ("mx1.example.net", "A"): ["192.0.2.1", "127.0.1.9"],
          ("9.2.0.127.in-addr.arpa", "PTR"): ["liar.example.net"],
          ("liar.example.net", "A"): ["192.0.2.1"]}


def suite_with(server, *sets):
    words = []
    for one in (f"dns.servers={server.address}", *sets):
        words += ["--set", one]
    return Suite(*UNTRUSTED, *words)


def attempt_from(suite, address, recipient="bob@example.test"):
    return attempt(suite, address, "a@b.example", recipient)


def test_lists():
    with NameServer(LISTED) as server, \
            suite_with(server, "dns.lists=bl.example,wl.example*-1") as suite:
        assert attempt_from(suite, "127.0.1.9") == (550, "5.7.1 Your address is on the list bl.example")
        assert attempt_from(suite, "127.0.1.9", "postmaster@example.test")[0] == 250
        assert attempt_from(suite, "127.0.1.10")[0] == 250
        # a list that says it does not answer us; and one that is made up for
        assert attempt_from(suite, "127.0.2.9")[0] == 250
        assert attempt_from(suite, "127.0.3.9")[0] == 250
        assert attempt_from(suite, "127.0.4.9")[0] == 550
        wait_for("the journal", lambda: "dns: 5.7.1 Your address is on the list bl.example"
                 in suite.command("trace", "bob@example.test")[1])
        # what was answered is remembered
        asked = len(server.asked)
        assert attempt_from(suite, "127.0.1.9")[0] == 550
        assert len(server.asked) == asked
        assert all(name.endswith((".bl.example", ".wl.example")) for name, _ in server.asked), server.asked


def test_answers_that_count_and_weights():
    with NameServer(LISTED) as server, \
            suite_with(server, "dns.lists=bl.example=127.0.0.[2..9]*2", "dns.threshold=2") as suite:
        assert attempt_from(suite, "127.0.1.9")[0] == 550
        assert attempt_from(suite, "127.0.4.9")[0] == 250
    with NameServer(LISTED) as server, \
            suite_with(server, "dns.lists=bl.example", "dns.threshold=2") as suite:
        assert attempt_from(suite, "127.0.1.9")[0] == 250


def test_names():
    with NameServer(LISTED) as server, suite_with(server, "dns.names=note") as suite:
        for address in ("127.0.1.9", "127.0.2.9", "127.0.3.9"):
            assert attempt_from(suite, address)[0] == 250
        pop = suite.pop("bob@example.test")
        received = [b"\n".join(pop.retr(i)[1]) for i in (1, 2, 3)]
        pop.quit()
        assert b"from client.example (mx1.example.net [127.0.1.9])" in received[0], received[0]
        assert b"from client.example ([127.0.2.9])" in received[1], received[1]
        assert b"from client.example ([127.0.3.9])" in received[2], received[2]
    with NameServer(LISTED) as server, suite_with(server, "dns.names=require") as suite:
        assert attempt_from(suite, "127.0.1.9")[0] == 250
        for address in ("127.0.2.9", "127.0.3.9"):
            assert attempt_from(suite, address) == \
                (550, f"5.7.25 {address} has no name in the DNS that leads back to it")
        assert attempt_from(suite, "127.0.2.9", "postmaster@example.test")[0] == 250


def test_by_tcp_where_it_does_not_fit():
    with NameServer(LISTED, mode="truncated") as server, \
            suite_with(server, "dns.lists=bl.example") as suite:
        assert attempt_from(suite, "127.0.1.9")[0] == 550


def test_name_servers_that_fail():
    for mode in ("servfail", "garbage", "silent"):
        with NameServer(LISTED, mode=mode) as server, \
                suite_with(server, "dns.lists=bl.example", "dns.names=require", "dns.timeout=1s") as suite:
            begun = time.monotonic()
            assert attempt_from(suite, "127.0.1.9")[0] == 250, mode
            assert time.monotonic() - begun < 15, mode
            assert count(suite, "bob@example.test") == 1
            assert server.asked
    server.close()
    with suite_with(server, "dns.lists=bl.example", "dns.names=require", "dns.timeout=1s") as suite:
        assert attempt_from(suite, "127.0.1.9")[0] == 250


def test_nobody_waits_for_name_servers_but_recipients():
    """The greeting and all up to MAIL come while the name server is silent."""
    with NameServer(LISTED, mode="silent") as server, \
            suite_with(server, "dns.lists=bl.example", "dns.timeout=3s") as suite:
        begun = time.monotonic()
        waiting = [client(suite, "127.0.1.9") for _ in range(20)]
        assert all(smtp.mail("a@b.example")[0] == 250 for smtp in waiting)
        assert time.monotonic() - begun < 2.5
        for smtp in waiting:
            assert smtp.rcpt("bob@example.test")[0] == 250
            smtp.quit()
        # trusted and logged-in ones never ask
    with NameServer(LISTED) as server, \
            Suite("--set", f"dns.servers={server.address}", "--set", "dns.lists=bl.example") as suite:
        suite.send("ann@example.test", "bob@example.test", message("trusted"))
        assert not server.asked


def test_linkd_away():
    with NameServer(LISTED) as server, suite_with(server, "dns.lists=bl.example") as suite:
        assert attempt_from(suite, "127.0.1.9")[0] == 550
        os.kill(suite.pids("linkd")[0], signal.SIGKILL)
        assert attempt_from(suite, "127.0.1.9")[0] in (250, 550)
        wait_for("linkd", lambda: attempt_from(suite, "127.0.1.9")[0] == 550)
