"""The kill loops in their three shapes: short ones in ./check, 100 rounds each in --full.

    run.py --full --only kill_loops             300 rounds in all
    POSTROOM_SEED=N run.py --only kill_loops    the pauses and victims of another run
"""
import os
import random

import kill_load
import suite

SEED = int(os.environ.get("POSTROOM_SEED", random.randrange(1 << 30)))


def rounds(short):
    return 100 if suite.FULL else short


def test_one_of_all_daemons():
    kill_load.one_at_a_time([*kill_load.DAEMONS, "mailboxd+smtpd"], rounds(15), SEED)


def test_mailboxd_with_a_client_that_sends_again():
    kill_load.one_at_a_time(["mailboxd"], rounds(10), SEED)


def test_all_processes_at_once():
    kill_load.all_at_once(rounds(5), SEED)
