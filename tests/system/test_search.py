"""SEARCH, SORT and THREAD over a real store: signatures are made, lost, damaged, and
never change what is found."""
import glob
import json
import os
import tempfile

from suite import Suite, message, wait_for

ANN = "ann@example.test"
WORDS = ("kangaroo", "wallaby", "quokka")


def figures(suite):
    return next(row["figures"] for row in json.loads(suite.command("status", "--json")[1]) if "figures" in row)


def all_signed(suite, count):
    def question():
        rows = figures(suite)
        return int(rows["search-signatures"]) == count and int(rows["search-waiting"]) == 0
    wait_for(f"{count} signatures", question)


def found(suite):
    imap = suite.imap(ANN)
    imap.select("INBOX")
    result = {}
    for word in WORDS + ("nothing",):
        for key in ("BODY", "SUBJECT", "TEXT"):
            status, data = imap.search(None, key, f'"{word[1:]}"')
            assert status == "OK", data
            result[word, key] = data[0]
    result["sort"] = imap.sort("(REVERSE SUBJECT)", "UTF-8", "ALL")[1][0]
    result["thread"] = imap.thread("REFERENCES", "UTF-8", "ALL")[1][0]
    imap.logout()
    return result


def files(directory):
    return glob.glob(os.path.join(directory, "**", "search.db*"), recursive=True)


def test_signatures_come_and_go():
    with tempfile.TemporaryDirectory() as directory:
        with Suite(profile="lab", directory=directory) as suite:
            for number in range(30):
                word = WORDS[number % 3]
                suite.send("bob@example.test", [ANN], message(f"subject {word} {number}", body=f"about a {word}\n" * 20))
            all_signed(suite, 30)
            first = found(suite)
            assert len(first["quokka", "BODY"].split()) == 10, first
            assert first["nothing", "TEXT"] == b"", first
            assert len(first["sort"].split()) == 30, first
            assert files(directory)
        for harm in ("removed", "damaged", "cut"):
            for path in files(directory):
                if harm == "removed":
                    os.unlink(path)
                elif harm == "damaged":
                    with open(path, "r+b") as file:
                        octets = bytearray(file.read())
                        for place in range(40, len(octets), 997):
                            octets[place] ^= 0xff
                        file.seek(0)
                        file.write(octets)
                else:
                    os.truncate(path, os.path.getsize(path) // 2)
            with Suite(profile="lab", directory=directory) as suite:
                assert found(suite) == first, harm
                all_signed(suite, 30)
                assert found(suite) == first, harm
