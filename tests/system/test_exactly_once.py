"""What a client sends is stored as often as it means (decisions: exactly once)."""
import time

from suite import Suite, message, wait_for
from test_hostile_smtp import Line, stored

MAIL = b"MAIL FROM:<a@b.example>\r\nRCPT TO:<bob@example.test>\r\nDATA\r\n"
TEXT = b"Subject: the same\r\nMessage-ID: <same@b.example>\r\n\r\nbody\r\n.\r\n"


def one(line):
    line.send(b"EHLO x.example\r\n" + MAIL + TEXT)
    assert line.replies(6)[-1] == b"250"


def test_twice_on_one_connection():
    with Suite(profile="lab") as suite:
        line = Line(suite)
        one(line)
        line.send(MAIL + TEXT)
        assert line.replies(4)[-1] == b"250"
        line.close()
        assert stored(suite) == 2


def test_on_two_connections_without_quit():
    with Suite(profile="lab") as suite:
        for _ in range(2):
            line = Line(suite)
            one(line)
            line.close()
            time.sleep(0.2)
        assert stored(suite) == 2


def test_pipelined_behind_its_own_final_dot():
    with Suite(profile="lab") as suite:
        line = Line(suite)
        line.send(b"EHLO x.example\r\n" + MAIL + TEXT + MAIL + TEXT)
        assert line.replies(10)[-1] == b"250"
        line.close()
        assert stored(suite) == 2


def send_and_reset(suite, count):
    """The reply is on its way, and never read."""
    line = Line(suite)
    line.send(b"EHLO x.example\r\n" + MAIL + TEXT)
    wait_for("it is stored", lambda: suite.log_text().count("event=smtp.stored") == count)
    line.close(reset=True)
    time.sleep(0.2)


def test_after_a_reset():
    with Suite(profile="lab") as suite:
        send_and_reset(suite, 1)
        one(Line(suite))
        assert stored(suite) == 1
        assert "first=" in suite.log_text()


def test_off_in_profile_test():
    with Suite() as suite:
        send_and_reset(suite, 1)
        one(Line(suite))
        assert stored(suite) == 2


def test_another_message_is_another():
    with Suite(profile="lab") as suite:
        send_and_reset(suite, 1)
        suite.send("a@b.example", "bob@example.test", message("another"))
        assert stored(suite) == 2
