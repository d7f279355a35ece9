"""The long loops of ./check --full: 300 rounds of kill -9 in three shapes, more senders."""
import os
import random
import shutil
import tempfile

import kill_load
from suite import Suite, in_threads, message
from test_faults import PEOPLE, subjects

SEED = int(os.environ.get("POSTROOM_SEED", random.randrange(1 << 30)))


def test_a_hundred_kills_of_one_daemon():
    kill_load.one_at_a_time(["mailboxd", "smtpd", "imapd", "popd"], 100, SEED)


def test_a_hundred_kills_with_a_client_that_sends_again():
    kill_load.one_at_a_time(["mailboxd", "smtpd", "mailboxd+smtpd"], 100, SEED)


def test_a_hundred_kills_of_all():
    place = tempfile.mkdtemp(prefix="postroom-kills-")
    try:
        kill_load.all_at_once(100, SEED, os.path.join(place, "lab"))
    finally:
        shutil.rmtree(place)


def test_fifty_senders_two_hundred_each():
    senders_at_once(50, 200)
