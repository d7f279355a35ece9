"""What is measured of processes: CPU time and memory of a tree of them."""
import os

TICK = os.sysconf("SC_CLK_TCK")


def _table():
    """pid: (parent, CPU seconds with those of ended children, command)."""
    found = {}
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/stat") as file:
                text = file.read()
        except OSError:
            continue
        command, fields = text.split("(", 1)[1].rsplit(")", 1)
        fields = fields.split()
        found[int(pid)] = int(fields[1]), sum(int(f) for f in fields[11:15]) / TICK, command
    return found


def tree(roots):
    """The processes that descend from roots, with them: pid: (CPU seconds, command)."""
    table = _table()
    inside = {}
    for pid, (_, seconds, command) in table.items():
        at = pid
        while at and at not in roots:
            at = table.get(at, (0,))[0]
        if at:
            inside[pid] = seconds, command
    return inside


def cpu_seconds(roots):
    return sum(seconds for seconds, _ in tree(roots).values())


def status(pid):
    """KiB by name from /proc/PID/status: RssAnon, VmRSS, VmHWM and the like."""
    found = {}
    try:
        with open(f"/proc/{pid}/status") as file:
            for line in file:
                name, _, rest = line.partition(":")
                if rest.strip().endswith(" kB"):
                    found[name] = int(rest.split()[0])
    except OSError:
        pass
    return found


def memory_kib(roots, key="RssAnon", command=None):
    """Sum over the tree, or over its processes with this name."""
    return sum(status(pid).get(key, 0) for pid, (_, name) in tree(roots).items()
               if command is None or name == command)
