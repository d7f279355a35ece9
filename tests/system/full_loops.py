"""The long loops of ./check --full: a hundred kills of each kind, more senders."""
from test_faults import kill_loop, senders_at_once


def test_long_kill_mailboxd():
    kill_loop("mailboxd", 100, 11)


def test_long_kill_smtpd():
    kill_loop("smtpd", 100, 12)


def test_long_kill_imapd():
    kill_loop("imapd", 50, 13)


def test_fifty_senders_two_hundred_each():
    senders_at_once(50, 200)
