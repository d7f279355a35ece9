"""UIDLs of POP3 stay what they are: after a restart, an import, a restore of all and of one account."""
import os
import tempfile

from suite import POSTROOM, Suite, message, run

BOB = "bob@example.test"


def uidls(suite):
    """Subject to UIDL, by POP3."""
    pop = suite.pop(BOB)
    found = {}
    for line in pop.uidl()[1]:
        number, uidl = line.split()
        header = [row for row in pop.top(int(number), 0)[1] if row.startswith(b"Subject: ")]
        found[header[0][9:].decode()] = uidl
    pop.quit()
    return found


def test_uidl_stays():
    with tempfile.TemporaryDirectory(prefix="postroom-uidl-") as work:
        lab, copy = os.path.join(work, "lab"), os.path.join(work, "copy.db")
        root = os.path.join(work, "Maildir")
        for folder in ("cur", "new", "tmp"):
            os.makedirs(os.path.join(root, folder))
        with open(os.path.join(root, "cur", "1600000003.M3.host:2,"), "wb") as file:
            file.write(b"Subject: imported\n\nx\n")
        with open(os.path.join(root, "dovecot-uidlist"), "wb") as file:
            file.write(b"3 V1 N30 G0\n11 P00ff.z :1600000003.M3.host\n")
        with Suite(profile="lab", directory=lab) as suite:
            suite.send("ann@example.test", BOB, message("one"))
            suite.send("ann@example.test", BOB, message("two"))
            suite.command("mailbox", "import", BOB, root)
            before = uidls(suite)
            assert len(set(before.values())) == 3 and before["imported"] == b"00ff.z", before
            os.kill(suite.pids("mailboxd")[0], 9)
        with Suite(profile="lab", directory=lab) as suite:
            assert uidls(suite) == before
            suite.command("backup", copy)
            # one goes and comes back by a restore of the account, with its number
            suite.command("msg", "rm", BOB, "INBOX", "2")
            assert uidls(suite) == {name: uidl for name, uidl in before.items() if name != "two"}
            suite.command("restore", copy, "--account", BOB)
            assert uidls(suite) == before
            suite.send("ann@example.test", BOB, message("later"))
            later = uidls(suite)["later"]
            assert later not in before.values()
        run(POSTROOM, "restore", copy, "--dir", lab)
        with Suite(profile="lab", directory=lab) as suite:
            assert uidls(suite) == before
            suite.send("ann@example.test", BOB, message("after"))
            # no number that the old store gave comes again
            assert uidls(suite)["after"] not in [later, *before.values()]
