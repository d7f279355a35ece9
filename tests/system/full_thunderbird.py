"""Thunderbird of Debian, headless, over implicit TLS and over STARTTLS, for ./check --full.

It is driven by Marionette (JSON frames over TCP), whose scripts in the chrome context call what its windows call. The
profile is made here; the suite's CA, the account and its password are put into it by the first script.
"""
import json
import os
import re
import shutil
import signal
import socket
import subprocess

from suite import PATIENCE, Skip, Suite, message, wait_for
from test_clients import ACCOUNTS, ANN, BOB

# what a client says at first sight of a server may take long on a busy machine
LONG = 4 * PATIENCE

PREFERENCES = {
    "app.update.enabled": False,
    "app.donation.eoy.version.viewed": 999,
    "datareporting.policy.dataSubmissionEnabled": False,
    "mail.biff.play_sound": False,
    "mail.provider.suppress_dialog_on_startup": True,
    "mail.rights.version": 1,
    "mail.shell.checkDefaultClient": False,
    "mail.spotlight.firstRunDone": True,
    "mail.winsearch.firstRunDone": True,
    "mailnews.start_page.enabled": False,
    "marionette.port": 0,
    "network.dns.disableIPv6": True,
    "network.manage-offline-status": False,
    "remote.log.level": "Info",
    "toolkit.telemetry.reportingpolicy.firstRun": False,
}

TOOLS = """
const [args, done] = [arguments[0], arguments[arguments.length - 1]];
const { MailServices } = ChromeUtils.importESModule("resource:///modules/MailServices.sys.mjs");
const pause = ms => new Promise(go => setTimeout(go, ms));
async function until(what, question) {
  for (let end = Date.now() + args.patience * 1000; Date.now() < end; await pause(50)) {
    let answer = question();
    if (answer) return answer;
  }
  throw new Error("never: " + what);
}
const server = () => MailServices.accounts.findServer(args.user, "localhost", "imap");
const root = () => server().rootFolder;
const inbox = () => root().getFolderWithFlags(Ci.nsMsgFolderFlags.Inbox);
const finished = run => new Promise((go, fail) => run({
  QueryInterface: ChromeUtils.generateQI(["nsIUrlListener"]),
  OnStartRunningUrl() {}, OnStopRunningUrl(url, status) { status ? fail(new Error("url " + status)) : go(); },
}));
const update = folder => finished(listener =>
  folder.QueryInterface(Ci.nsIMsgImapMailFolder).updateFolderWithListener(null, listener));
const headers = folder => [...folder.messages];
const named = (folder, subject) => headers(folder).find(h => h.mime2DecodedSubject == subject);
(async () => { %s })().then(value => done({ value }), problem => done({ problem: String(problem) + problem.stack }));
"""

SET_UP = """
Cc["@mozilla.org/security/x509certdb;1"].getService(Ci.nsIX509CertDB).addCertFromBase64(args.ca, "CT,C,C");
let account = MailServices.accounts.createAccount();
let made = MailServices.accounts.createIncomingServer(args.user, "localhost", "imap");
made.port = args.port;
made.socketType = args.socket_type;
made.authMethod = Ci.nsMsgAuthMethod.passwordCleartext;
made.prettyName = args.user;
let identity = MailServices.accounts.createIdentity();
identity.email = args.user;
account.addIdentity(identity);
account.incomingServer = made;
made.valid = true;
made.password = args.password;
"""

LIST = """
inbox().updateFolder(null);
await until("the folders", () => ["Archive", "Drafts", "Sent", "Trash"].every(name => root().containsChildNamed(name)));
return root().descendants.map(folder => folder.name).sort();
"""

READ = """
await update(inbox());
await until("the messages", () => headers(inbox()).length == args.count);
let uri = inbox().getUriForMsg(named(inbox(), args.subject)), text = "";
await new Promise((go, fail) => MailServices.messageServiceFromURI(uri).streamMessage(uri, {
  QueryInterface: ChromeUtils.generateQI(["nsIStreamListener"]),
  onStartRequest() {},
  onDataAvailable(request, stream, offset, count) {
    let reader = Cc["@mozilla.org/scriptableinputstream;1"].createInstance(Ci.nsIScriptableInputStream);
    reader.init(stream);
    text += reader.readBytes(count);
  },
  onStopRequest(request, status) { status ? fail(new Error("stream " + status)) : go(); },
}, null, null, false, ""));
return text;
"""

FLAG = """
inbox().markMessagesFlagged([named(inbox(), args.subject)], true);
inbox().markMessagesRead([named(inbox(), args.subject)], true);
"""

MAKE = """
root().createSubfolder(args.folder, null);
await until("the new folder", () => root().containsChildNamed(args.folder));
"""

MOVE = """
let target = root().getChildNamed(args.folder);
MailServices.copy.copyMessages(inbox(), [named(inbox(), args.subject)], target, true, null, null, false);
await until("the message to be gone", () => !named(inbox(), args.subject));
target.updateFolder(null);
await until("the moved message", () => named(target, args.subject));
"""


class Thunderbird:
    """A running one with an account; script() runs JavaScript in it."""

    def __init__(self, suite, title, socket_type):
        program = shutil.which("thunderbird")
        if not program:
            raise Skip("thunderbird is not installed")
        self.profile = os.path.join(suite.work, "profile-" + title)
        os.mkdir(self.profile)
        with open(os.path.join(self.profile, "user.js"), "w") as file:
            for name, value in PREFERENCES.items():
                file.write(f"user_pref({json.dumps(name)}, {json.dumps(value)});\n")
        self.log = os.path.join(self.profile, "imap.log")
        self.said = open(os.path.join(self.profile, "said"), "wb")
        env = dict(os.environ, HOME=self.profile, MOZ_LOG="IMAP:5", MOZ_LOG_FILE=self.log, MOZ_CRASHREPORTER_DISABLE="1")
        env.pop("DISPLAY", None)
        self.process = subprocess.Popen(
            [program, "--headless", "--no-remote", "--marionette", "--remote-allow-system-access", "--profile", self.profile],
            env=env, stdin=subprocess.DEVNULL, stdout=self.said, stderr=self.said, start_new_session=True)
        try:
            self.connect()
        except BaseException:
            self.stop()
            raise
        with open(suite.ready["ca"]) as file:
            ca = "".join(line.strip() for line in file if "-----" not in line)
        self.arguments = {"user": BOB, "password": "secret", "port": suite.at(title)[1], "socket_type": socket_type,
                          "ca": ca, "patience": LONG}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def connect(self):
        path = os.path.join(self.profile, "MarionetteActivePort")

        def port():
            assert self.process.poll() is None, open(self.said.name, errors="replace").read()[-3000:]
            if not os.path.exists(path):
                return None
            with open(path) as file:
                text = file.read().strip()
            return int(text) if text else None

        self.socket = socket.create_connection(("127.0.0.1", wait_for("Marionette", port, LONG)), timeout=2 * LONG)
        self.buffer = b""
        self.number = 0
        self.frame()
        self.command("WebDriver:NewSession", {"capabilities": {"alwaysMatch": {"pageLoadStrategy": "none"}}})
        self.command("Marionette:SetContext", {"value": "chrome"})
        self.command("WebDriver:SetTimeouts", {"script": int(2 * LONG * 1000)})

    def frame(self):
        while b":" not in self.buffer:
            self.receive()
        length, self.buffer = self.buffer.split(b":", 1)
        while len(self.buffer) < int(length):
            self.receive()
        text, self.buffer = self.buffer[:int(length)], self.buffer[int(length):]
        return json.loads(text)

    def receive(self):
        octets = self.socket.recv(65536)
        assert octets, "Marionette went away"
        self.buffer += octets

    def command(self, name, parameters):
        self.number += 1
        text = json.dumps([0, self.number, name, parameters]).encode()
        self.socket.sendall(b"%d:%s" % (len(text), text))
        while True:
            kind, number, problem, result = self.frame()
            if kind == 1 and number == self.number:
                assert problem is None, (name, problem)
                return result

    def script(self, text, **more):
        result = self.command("WebDriver:ExecuteAsyncScript", {
            "script": TOOLS % text, "args": [dict(self.arguments, **more)], "newSandbox": True, "sandbox": "system"})
        result = result["value"]
        assert "problem" not in result, result["problem"] + "\n" + self.imap_log()[-4000:]
        return result.get("value")

    def imap_log(self):
        """All that was logged; it may have been split into .0, .1 and so on."""
        text = ""
        for name in sorted(os.listdir(self.profile)):
            if name.startswith("imap.log"):
                with open(os.path.join(self.profile, name), errors="replace") as file:
                    text += file.read()
        return text

    def stop(self):
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGTERM)
            try:
                self.process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                os.killpg(self.process.pid, signal.SIGKILL)
                self.process.wait(PATIENCE)
        self.said.close()


def everyday(title, socket_type):
    with Suite(*ACCOUNTS, "--set", "hostname=localhost") as suite:
        for number in range(3):
            suite.send(ANN, BOB, message(f"number {number}", body=f"body of {number}\n"))
        with Thunderbird(suite, title, socket_type) as client:
            client.script(SET_UP)
            folders = client.script(LIST)
            assert {"Archive", "Drafts", "Sent", "Trash"} <= set(folders), folders
            text = client.script(READ, count=3, subject="number 1")
            assert "Subject: number 1" in text and "body of 1" in text, text
            client.script(FLAG, subject="number 2")
            imap = suite.imap(BOB)
            imap.select(readonly=True)
            wait_for("the flags", lambda: imap.noop() and imap.search(None, "FLAGGED", "SEEN")[1][0].split() == [b"3"], LONG)
            client.script(MAKE, folder="Made here")
            client.script(MOVE, folder="Made here", subject="number 0")
            assert imap.select('"Made here"', readonly=True)[1] == [b"1"]
            assert b"number 0" in imap.fetch("1", "(ENVELOPE)")[1][0]
            assert imap.select("INBOX", readonly=True)[1] == [b"2"]
            imap.logout()
            client.stop()
            log = client.imap_log()
    answers = re.findall(r"CreateNewLineFromSocket: (.*)", log)
    assert sum(" OK " in answer for answer in answers) > 10, log[-3000:]
    refused = [answer for answer in answers if re.match(r"\S+ (NO|BAD)\b", answer)]
    assert not refused, refused


def test_implicit_tls():
    everyday("imaps", 3)


def test_starttls():
    everyday("imap", 2)
