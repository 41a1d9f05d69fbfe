#!/usr/bin/python3
"""Checks the systemd units and the crontab without a running systemd or cron.

usage: check_units.py BINARY

systemd's own parser reads the units and rates what the service may do. The program then runs against a simulated
cluster as another user, with the system calls, address families and memory protections of the unit in force, taken
from the unit and from systemd's lists by name: no systemd is needed for that, because it is the kernel that enforces
them. Anything else that the program asks of the kernel kills it here, where the unit would answer with an error.
"""
import contextlib, errno, mmap, os, pwd, shutil, signal, socket, subprocess, sys, tempfile
from functools import cache
from pathlib import Path

import seccomp

SCRIPTS = Path(__file__).resolve().parent
SERVICE, TIMER, CRONTAB = (SCRIPTS / f"daily-gpu-log.{kind}" for kind in ("service", "timer", "crontab"))
STATE = "/var/lib/daily-gpu-log"
START = "ExecStart=daily-gpu-log "
NODES, DAYS = 3, 4      # yesterday, and the days before that are completed
EXPOSURE = 1.5          # of 10, as systemd rates it; a service without any of the settings has 9.6
START_SECONDS = 20
RUN_SECONDS = 60

class Failed(Exception):
    """A check that failed."""

def check(condition, *told):
    if not condition:
        raise Failed(*told)

def told(*command):
    """What a command that must succeed prints, and what it complains of."""
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=RUN_SECONDS)
    check(done.returncode == 0, *command, "ended with", done.returncode, done.stdout, done.stderr)
    return done.stdout, done.stderr

def values(unit, key):
    """All values of a key, in order."""
    lines = unit.read_text().splitlines()
    return [line.partition("=")[2] for line in lines if line.startswith(key + "=")]

def check_syntax(binary):
    with tempfile.TemporaryDirectory() as name:
        for unit in (SERVICE, TIMER):
            # What is to be run must be there.
            (Path(name) / unit.name).write_text(unit.read_text().replace(START, f"ExecStart={binary} "))
        units = [Path(name) / unit.name for unit in (SERVICE, TIMER)]
        verify = ("systemd-analyze", "verify", "--man=no", *units)
        complaints = told(*verify)[1]
        check(not complaints, complaints)
        # The silence is only worth something if this is not passed over.
        units[0].write_text(units[0].read_text().replace("NoNewPrivileges", "NoNewPrivilege"))
        check("NoNewPrivilege" in told(*verify)[1], "a key that does not exist is not noticed")
    [calendar] = values(TIMER, "OnCalendar")
    told("systemd-analyze", "calendar", calendar)
    told("crontab", "-n", CRONTAB)
    print("units and crontab: accepted by systemd and cron")

def check_exposure():
    with tempfile.TemporaryDirectory() as root:
        units = Path(root) / "etc" / "systemd" / "system"
        units.mkdir(parents=True)
        shutil.copy(SERVICE, units)
        rating = told("systemd-analyze", "security", "--offline=true", f"--root={root}",
                      f"--threshold={EXPOSURE * 10:.0f}", SERVICE.name)[0]
    print(rating.strip().splitlines()[-1].lstrip("→ "))

@cache
def system_calls(group):
    """The names in a group of systemd's, with those of the groups in it."""
    names = set()
    for line in told("systemd-analyze", "syscall-filter", group)[0].splitlines()[1:]:
        name = line.strip()
        if name.startswith("@"):
            names |= system_calls(name)
        elif name and not name.startswith("#"):
            names.add(name)
    check(names, group, "is empty")
    return names

def allowed():
    """The names of the system calls that the unit allows: its keys add groups and take others away."""
    names = set()
    for value in values(SERVICE, "SystemCallFilter"):
        takes = value.startswith("~")
        for word in value.lstrip("~").split():
            group = system_calls(word) if word.startswith("@") else {word}
            names = names - group if takes else names | group
    return names

def confine(names, otherwise):
    """Puts the unit's restrictions on this process, for good. `otherwise` becomes of any system call but `names`."""
    families = [getattr(socket, name) for name in " ".join(values(SERVICE, "RestrictAddressFamilies")).split()]
    arguments = seccomp.SyscallFilter(seccomp.ALLOW)
    unsupported = seccomp.ERRNO(errno.EAFNOSUPPORT)
    for family in range(max(families)):
        if family not in families:
            arguments.add_rule(unsupported, "socket", seccomp.Arg(0, seccomp.EQ, family))
    arguments.add_rule(unsupported, "socket", seccomp.Arg(0, seccomp.GT, max(families)))
    check(values(SERVICE, "MemoryDenyWriteExecute") == ["yes"], "MemoryDenyWriteExecute")
    both, executable = mmap.PROT_WRITE | mmap.PROT_EXEC, mmap.PROT_EXEC
    refused = seccomp.ERRNO(errno.EPERM)
    arguments.add_rule(refused, "mmap", seccomp.Arg(2, seccomp.MASKED_EQ, both, both))
    arguments.add_rule(refused, "mprotect", seccomp.Arg(2, seccomp.MASKED_EQ, executable, executable))
    calls = seccomp.SyscallFilter(otherwise)
    for name in sorted(names):
        with contextlib.suppress(ValueError, RuntimeError):     # of another architecture
            calls.add_rule(seccomp.ALLOW, name)
    arguments.load()
    calls.load()

@contextlib.contextmanager
def cluster(binary, folder):
    """Nodes, and the settings that lead to them in `folder`."""
    example = binary.parent / "examples" / "simulated-cluster"
    process = subprocess.Popen([example, "nodes", str(NODES), "0", str(NODES), folder], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        check(process.stdout.readline() == b"ready\n", "the simulated cluster does not start")
        yield
    finally:
        process.stdin.close()       # it ends with its input
        process.wait(START_SECONDS)

def check_confined(binary):
    user = pwd.getpwnam("nobody")
    with tempfile.TemporaryDirectory(prefix="daily-gpu-log-units-") as name, cluster(binary, name):
        folder = Path(name)
        folder.chmod(0o755)
        # As systemd hands them over: the token in a directory for the user alone, the data directory made for it.
        state, credentials = folder / "state", folder / "credentials"
        for directory in (state, credentials):
            directory.mkdir(mode=0o750)
        token = credentials / "management-api-token"
        shutil.copy(folder / "token", token)
        token.chmod(0o400)
        for path in (state, credentials, token):
            os.chown(path, user.pw_uid, user.pw_gid)
        settings = folder / "daily-gpu-log.toml"
        # By name, so that the resolver of the C library is part of it.
        settings.write_text(settings.read_text().replace("//127.0.0.1:", "//localhost:"))
        check("//localhost:" in settings.read_text(), "the settings name no node")
        installed = folder / "daily-gpu-log"      # where everybody may execute it
        shutil.copy(binary, installed)
        names = allowed()
        [line] = values(SERVICE, "ExecStart")
        check(line.startswith("daily-gpu-log ") and STATE in line, line)
        command = [installed, *line.replace(STATE, str(state)).split()[1:], "--config", settings,
                   "--log-file", state / "run.log", "--metrics-file", state / "run.prom"]
        def run(otherwise, names=names):
            return subprocess.run(
                command, cwd="/", env={"CREDENTIALS_DIRECTORY": str(credentials)}, stdin=subprocess.DEVNULL,
                capture_output=True, timeout=RUN_SECONDS, umask=0o027, user=user.pw_uid, group=user.pw_gid,
                extra_groups=[], preexec_fn=lambda: confine(names, otherwise))
        for otherwise, what in ((seccomp.KILL_PROCESS, "nothing else is asked of the kernel"),
                                (seccomp.ERRNO(errno.EPERM), "the run is complete")):
            done = run(otherwise)
            check((done.returncode, done.stdout, done.stderr) == (0, b"", b""), "confined, the program ended with", done)
            summaries = list(state.glob("*/*/summary_*.txt"))
            check(len(summaries) == NODES * DAYS, summaries)
            print(f"confined as the unit says: {what}")
        # The filter is only worth something if it is in force.
        done = run(seccomp.KILL_PROCESS, names - {"flock"})
        check(done.returncode == -signal.SIGSYS, "a system call that is not listed is not stopped", done)

def main(binary):
    check_syntax(binary)
    check_exposure()
    check_confined(binary)

if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    try:
        main(Path(sys.argv[1]).resolve())
    except Failed as failure:
        sys.exit("check_units: " + " ".join(map(str, failure.args)))
