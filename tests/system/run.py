#!/usr/bin/env python3
"""Runs the system tests: run.py [--only WORD]... [--full]

Each test_*.py here holds functions test_*(); those in full_*.py run with --full
only, and what asks suite.FULL goes on for longer, but not under sanitizers. Prints
each with its time, then what was skipped and why, then the count. A skip whose
reason does not stand in tests/skips is a failure.
"""
import argparse
import importlib
import os
import sys
import time
import traceback

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)

import suite  # noqa: E402
from suite import TOP, Skip  # noqa: E402


def allowed_skips():
    with open(os.path.join(TOP, "tests", "skips")) as file:
        return [line.strip() for line in file if line.strip() and not line.startswith("#")]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", action="append", default=[], help="names that contain WORD")
    parser.add_argument("--full", action="store_true")
    options = parser.parse_args()
    suite.FULL = options.full and not suite.SANITIZED   # which start too slowly
    prefixes = ("test_", "full_") if options.full else ("test_",)
    tests = []
    for name in sorted(os.listdir(HERE)):
        if name.startswith(prefixes) and name.endswith(".py"):
            module = importlib.import_module(name[:-3])
            for item, value in vars(module).items():
                label = f"{name[:-3]}.{item}"
                if item.startswith("test_") and callable(value) and value.__module__ == name[:-3]:
                    if not options.only or any(word in label for word in options.only):
                        tests.append((label, value))
    passed, failed, skipped = [], [], []
    begin = time.monotonic()
    for number, (label, test) in enumerate(tests, 1):
        since = time.monotonic()
        print(f"[{number}/{len(tests)}] {label} ", end="", flush=True)
        try:
            test()
            passed.append(label)
            word = "ok"
        except Skip as reason:
            word = f"skipped: {reason}"
            if str(reason) in allowed_skips():
                skipped.append((label, str(reason)))
            else:
                failed.append(label)
                word += " (not in tests/skips: a failure)"
        except KeyboardInterrupt:
            raise
        except BaseException:
            traceback.print_exc(file=sys.stdout)
            failed.append(label)
            word = "FAILED"
        print(f"{word} ({time.monotonic() - since:.1f} s)", flush=True)
    print(f"system tests: {time.monotonic() - begin:.0f} s")
    for label, reason in skipped:
        print(f"skipped {label}: {reason}")
        if "POSTROOM_SKIPS" in os.environ:      # ./check tells them at its end
            with open(os.environ["POSTROOM_SKIPS"], "a") as file:
                file.write(f"  {label}: {reason}\n")
    for label in failed:
        print(f"failed {label}")
    print(f"{len(passed)} passed, {len(failed)} failed, {len(skipped)} skipped", flush=True)
    sys.exit(1 if failed or not passed else 0)


if __name__ == "__main__":
    main()
