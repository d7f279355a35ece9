"""Postfix and Dovecot from Debian, started beside Postroom on loopback.

Their settings are the best that were found for this load; every one that is not
the default stands below and is printed by compare.
"""
import grp
import os
import pwd
import shutil
import subprocess
import time

POSTFIX_MAIN = """
compatibility_level = 3.6
queue_directory = {dir}/postfix/queue
data_directory = {dir}/postfix/data
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
mail_owner = postfix
setgid_group = postdrop
myhostname = mail.example.test
mydestination =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
virtual_mailbox_domains = example.test
virtual_mailbox_maps = static:ok
virtual_transport = lmtp:unix:{dir}/dovecot/lmtp
lmtp_destination_concurrency_limit = 50
lmtp_destination_recipient_limit = 100
message_size_limit = 104857600
mynetworks = 127.0.0.0/8
smtpd_client_connection_count_limit = 0
smtpd_client_connection_rate_limit = 0
default_process_limit = 200
maillog_file = {dir}/postfix/log
alias_maps =
"""
POSTFIX_MASTER = """
127.0.0.1:{smtp} inet n - n - - smtpd
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
smtp unix - - n - - smtp
showq unix n - n - - showq
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
local unix - n n - - local
virtual unix - n n - - virtual
lmtp unix - - n - - lmtp
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
"""
DOVECOT = """
base_dir = {dir}/dovecot/run
state_dir = {dir}/dovecot/state
log_path = {dir}/dovecot/log
protocols = imap pop3 lmtp
listen = 127.0.0.1
ssl = yes
ssl_cert = <{cert}
ssl_key = <{key}
disable_plaintext_auth = no
mail_location = {format}:{dir}/dovecot/mail/%u
first_valid_uid = 1
auth_cache_size = 10M
auth_username_format = %Lu
mail_max_userip_connections = 0
imap_hibernate_timeout = 5 secs
default_process_limit = 2000
default_client_limit = 20000
default_vsz_limit = 4G
passdb {{
  driver = static
  args = password=secret
}}
userdb {{
  driver = static
  args = uid={uid} gid={gid} home={dir}/dovecot/home/%u allow_all_users=yes
}}
namespace inbox {{
  inbox = yes
}}
service lmtp {{
  process_min_avail = 4
  unix_listener {dir}/dovecot/lmtp {{
    mode = 0666
  }}
}}
service imap {{
  process_limit = 4000
  unix_listener imap-master {{
    user = dovecot
  }}
}}
service imap-hibernate {{
  unix_listener imap-hibernate {{
    mode = 0660
    group = {group}
  }}
}}
service imap-login {{
  service_count = 0
  process_min_avail = 2
  inet_listener imap {{
    port = {imap}
  }}
  inet_listener imaps {{
    port = {imaps}
  }}
}}
service pop3-login {{
  service_count = 0
  process_min_avail = 1
  inet_listener pop3 {{
    port = {pop3}
  }}
  inet_listener pop3s {{
    port = 0
  }}
}}
"""


class Peers:
    """Postfix in front of Dovecot. at: name -> port or path."""
    name = "Postfix + Dovecot"

    def __init__(self, directory, cert, key, ports, mail_format="mdbox"):
        self.dir = directory
        owner = pwd.getpwnam("nobody")
        values = dict(dir=directory, cert=cert, key=key, uid=owner.pw_uid, gid=owner.pw_gid, group=grp.getgrgid(owner.pw_gid).gr_name,
                      format=mail_format, **ports)
        for name in ("postfix/etc", "postfix/queue", "postfix/data", "dovecot/run", "dovecot/state",
                     "dovecot/mail", "dovecot/home"):
            os.makedirs(os.path.join(directory, name), mode=0o755)
        postfix = pwd.getpwnam("postfix")
        os.chown(os.path.join(directory, "postfix/data"), postfix.pw_uid, postfix.pw_gid)
        for name in ("mail", "home"):
            os.chown(os.path.join(directory, "dovecot", name), owner.pw_uid, owner.pw_gid)
        self._write("postfix/etc/main.cf", POSTFIX_MAIN.format(**values))
        self._write("postfix/etc/master.cf", POSTFIX_MASTER.format(**values))
        self._write("dovecot/dovecot.conf", DOVECOT.format(**values))
        self.postfix = ["postfix", "-c", os.path.join(directory, "postfix/etc")]
        self.dovecot = ["dovecot", "-c", os.path.join(directory, "dovecot/dovecot.conf")]
        self.at = dict(lmtp=os.path.join(directory, "dovecot/lmtp"),
                       **{name: f"127.0.0.1:{port}" for name, port in ports.items()})
        self.start()

    def start(self):
        subprocess.run(self.dovecot, check=True)
        subprocess.run(self.postfix + ["start"], check=True, stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL)
        time.sleep(1.5)
        self.roots = []
        for name in ("dovecot/run/master.pid", "postfix/queue/pid/master.pid"):
            with open(os.path.join(self.dir, name)) as file:
                self.roots.append(int(file.read()))

    def _write(self, name, text):
        with open(os.path.join(self.dir, name), "w") as file:
            file.write(text)

    def settings(self):
        """What is not the default, for the table's head."""
        lines = []
        for name in ("postfix/etc/main.cf", "dovecot/dovecot.conf"):
            with open(os.path.join(self.dir, name)) as file:
                lines += [line.rstrip() for line in file if line.strip()]
        return lines

    def waiting(self):
        """Messages that Postfix accepted and has not delivered yet."""
        count = 0
        for queue in ("incoming", "active", "deferred", "maildrop"):
            for _, _, files in os.walk(os.path.join(self.dir, "postfix/queue", queue)):
                count += len(files)
        return count

    def halt(self):
        subprocess.run(self.postfix + ["stop"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        subprocess.run(self.dovecot + ["stop"])

    def restart(self):
        self.halt()
        self.start()

    def stop(self):
        self.halt()
        shutil.rmtree(self.dir, ignore_errors=True)
