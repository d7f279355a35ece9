"""Postroom in its server profile, started for compare."""
import os
import subprocess
import sys
import time

ACCOUNTS = 100


class Postroom:
    name = "Postroom"

    def __init__(self, directory, build, cert, key, ports, limits="", accounts=ACCOUNTS):
        self.dir = directory
        os.makedirs(directory)
        self.program = os.path.join(build, "postroom", "postroom")
        self.config = os.path.join(directory, "postroom.conf")
        run = os.path.join(directory, "run")
        with open(self.config, "w") as file:
            file.write(f'hostname = "mail.example.test"\nprofile = server\n'
                       f'data = "{directory}/data"\nrun = "{run}"\n'
                       f'users {{ smtpd = "" mailboxd = "" popd = "" imapd = "" }}\n'
                       f'limits {{ connections_per_address = 0 connection_rate = 0 mailbox = 0\n'
                       f'  imap_per_account = 0 pop3_per_account = 0 {limits} }}\n'
                       f'tls {{\n  cert = "{cert}"\n  key = "{key}"\n}}\n')
            for title, port in ports.items():
                tls = "implicit" if title.endswith("s") else "optional"
                file.write(f'listen {title} {{ address = {{"127.0.0.1:{port}"}} tls = {tls} }}\n')
        self.at = dict(lmtp=os.path.join(run, "lmtp.sock"),
                       **{name: f"127.0.0.1:{port}" for name, port in ports.items()})
        self.log = open(os.path.join(directory, "log"), "ab")
        self.start()
        self.command("domain", "add", "example.test")
        for number in range(accounts):
            self.command("user", "add", f"user{number}@example.test", "--password-stdin", stdin="secret\n")

    def start(self):
        ready = os.path.join(self.dir, "ready")
        if os.path.exists(ready):
            os.unlink(ready)
        self.process = subprocess.Popen([self.program, "run", "-c", self.config, "--ready", ready],
                                        stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log)
        self.roots = [self.process.pid]
        for _ in range(200):
            if os.path.exists(ready) and os.path.getsize(ready):
                return
            if self.process.poll() is not None:
                break
            time.sleep(0.05)
        sys.exit(f"postroom did not start; see {self.log.name}")

    def command(self, *words, stdin=None):
        done = subprocess.run([self.program, *words, "-c", self.config], input=stdin, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        if done.returncode:
            sys.exit(f"postroom {' '.join(words)}: {done.stdout}")
        return done.stdout

    def settings(self):
        with open(self.config) as file:
            return [line.rstrip() for line in file]

    def waiting(self):
        return 0        # what was answered 250 is in the mailbox

    def halt(self):
        self.process.terminate()
        self.process.wait(60)

    def restart(self):
        """What is remembered in memory is gone."""
        self.halt()
        self.start()

    def stop(self):
        self.halt()
        self.log.close()
