"""The long loops of ./check --full: a hundred kills of each kind, more senders."""
from suite import Suite, in_threads, message
from test_faults import PEOPLE, kill_loop, subjects


def test_long_kill_mailboxd():
    kill_loop("mailboxd", 100, 11)


def test_long_kill_smtpd():
    kill_loop("smtpd", 100, 12)


def test_long_kill_imapd():
    kill_loop("imapd", 50, 13)


def test_fifty_senders_two_hundred_each():
    with Suite() as suite:
        def sender(number):
            with suite.smtp() as client:
                for index in range(200):
                    refused = client.sendmail("load@sender.example", PEOPLE, message(f"load {number}.{index}"))
                    assert not refused
        in_threads([lambda n=n: sender(n) for n in range(50)])
        want = sorted(f"load {n}.{i}" for n in range(50) for i in range(200))
        for person in PEOPLE:
            assert sorted(subjects(suite, person)) == want, person
