"""Short kill loops of the three shapes; full_loops.py has the long ones."""
import os
import random
import shutil
import tempfile

import kill_load

SEED = int(os.environ.get("POSTROOM_SEED", random.randrange(1 << 30)))


def test_one_of_all_daemons():
    kill_load.one_at_a_time(["mailboxd", "smtpd", "imapd", "popd"], 10, SEED)


def test_mailboxd_and_smtpd_with_a_client_that_sends_again():
    kill_load.one_at_a_time(["mailboxd", "smtpd", "mailboxd+smtpd"], 10, SEED)


def test_all_processes_at_once():
    place = tempfile.mkdtemp(prefix="postroom-kills-")
    try:
        kill_load.all_at_once(5, SEED, os.path.join(place, "lab"))
    finally:
        shutil.rmtree(place)
