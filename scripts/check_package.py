#!/usr/bin/python3
"""Installs the Debian package in a bare Debian, runs a night there, upgrades, removes and purges it.

usage: check_package.py DIR SIMULATION ROOT        (DIR: the files of a release; ROOT: a bare Debian, which is changed)

The cluster is the simulated one, and the management API over TLS a server of this script's, each on a loopback address
that the bare Debian shares with this machine.
"""
import contextlib, gzip, os, re, shutil, subprocess, sys, tempfile
from pathlib import Path

from https import Handler, certificates, serving

NODES, DAYS = 3, 4      # yesterday, and the days before that are completed
NAME, TOKEN = "gpu-management.test", "simulated-token"
SETTINGS, DATA = "etc/daily-gpu-log/config.toml", "var/lib/daily-gpu-log"
ARCHIVE = "var/lib/data_archive"
SECONDS = 120
LISTING = "card9 -> GPU[1]\ncard1 -> GPU[0]\nGPU[1] : Unique ID: 0x70cb99ce3e214bda\n"
TIMER = "etc/systemd/system/timers.target.wants/daily-gpu-log.timer"

class Check:
    def __init__(self, root):
        self.root, self.passed, self.failed = root, 0, 0

    def judge(self, name, is_so, *shown):
        self.failed, self.passed = self.failed + (not is_so), self.passed + bool(is_so)
        print(f"{'ok' if is_so else 'NOT OK'}: {name}", *([] if is_so else shown), sep="\n      ", flush=True)

    def run(self, *command, user=None, umask=0o022, text=None, **environment):
        """A command in the bare Debian, whose status, output and complaints are answered."""
        as_user = ("runuser", "-u", user, "--") if user else ()
        environment = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "DAILY_GPU_LOG_LANG": "en",
                       "DEBIAN_FRONTEND": "noninteractive", **environment}
        done = subprocess.run(["chroot", self.root, *as_user, *command], env=environment, umask=umask, input=text or "",
                              capture_output=True, text=True, timeout=SECONDS)
        return done.returncode, done.stdout, done.stderr

    def does(self, name, *command, **options):
        done = self.run(*command, **options)
        self.judge(name, done[0] == 0, done)
        return done[1]

    def modes(self):
        """Who owns what of the package's own, by the bare Debian's names."""
        users = [line.split(":") for line in (self.root / "etc/passwd").read_text().splitlines()]
        groups = [line.split(":") for line in (self.root / "etc/group").read_text().splitlines()]
        users, groups = ({int(line[2]): line[0] for line in lines} for lines in (users, groups))
        def mode(path):
            found = (self.root / path).stat()
            return f"{users.get(found.st_uid)}:{groups.get(found.st_gid)} {found.st_mode & 0o7777:o}"
        return [mode(path) for path in ("etc/daily-gpu-log", SETTINGS, DATA, ARCHIVE)]

    def accounts(self):
        """The lists that gpulog stands in."""
        return [name for name in ("passwd", "group", "shadow") if "gpulog" in (self.root / "etc" / name).read_text()]

    def everything(self):
        """All that is there, but for what packages leave behind of any package: their log, and the copies of lists."""
        paths = {str(path.relative_to(self.root)) for path in self.root.rglob("*")}
        return {path for path in paths if not re.match(r"(proc|sys|dev|tmp|var/log|var/cache)/", path)
                and not re.fullmatch(r"etc/\.pwd\.lock|.*(-|-old)|run/.*|var/lib/(dpkg|systemd)/.*", path)
                or "daily-gpu-log" in path}

class ManagementApi(Handler):
    """One without tasks."""
    def do_GET(self):
        self.send_response(200 if self.headers["Authorization"] == f"Bearer {TOKEN}" else 401)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

@contextlib.contextmanager
def cluster(simulation, folder):
    """Nodes, and the settings that lead to them in `folder`."""
    process = subprocess.Popen([simulation, "nodes", str(NODES), "0", str(NODES), folder], stdin=subprocess.PIPE,
                               stdout=subprocess.PIPE, text=True)
    with process, process.stdin:        # its end is the end of its input
        if process.stdout.readline() != "ready\n":
            sys.exit("check_package: the simulated cluster does not start")
        yield (folder / "daily-gpu-log.toml").read_text()

def newer(deb, folder):
    """The package once more, of a later version and with another settings template."""
    tree, made = folder / "newer", folder / "newer.deb"
    def dpkg_deb(*arguments):
        subprocess.run(["dpkg-deb", *arguments], check=True, capture_output=True)
    dpkg_deb("--raw-extract", deb, tree)
    control = tree / "DEBIAN/control"
    control.write_text(re.sub(r"(?m)^Version: (.*)$", r"Version: \1+newer", control.read_text()))
    dpkg_deb("--root-owner-group", "-Zgzip", "--build", tree, made)
    return made

def check_install(check, deb):
    (check.root / "etc/hosts").touch()
    before = check.everything()
    control = subprocess.run(["dpkg-deb", "--field", deb], check=True, capture_output=True, text=True).stdout
    check.judge("the control file is short, and depends on what is always to be had",
                len(control) < 1200 and "Depends: adduser, bash, ca-certificates\n" in control, control)
    shutil.copy(deb, check.root / "tmp/first.deb")
    older = check.root / "usr/local/bin/daily-gpu-log"
    older.write_text("#!/bin/sh\nexit 1\n")
    older.chmod(0o755)
    check.does("dpkg installs it, where there is another in /usr/local/bin", "dpkg", "--install", "/tmp/first.deb")
    older.unlink()
    check.judge("the directories and the settings are gpulog's to read", check.modes() ==
                ["root:gpulog 750", "root:gpulog 640", "gpulog:gpulog 750", "gpulog:gpulog 750"], check.modes())
    check.does("its files are as they were packed", "dpkg", "--verify", "daily-gpu-log")
    pages = [check.root / f"usr/share/man{place}/man1/daily-gpu-log-inventory.1.gz" for place in ("", "/zh_TW")]
    texts = [gzip.decompress(page.read_bytes()).decode() for page in pages if page.exists()]
    check.judge("man pages are there in both languages",
                len(texts) == 2 and "Print the" in texts[0] and "表" in texts[1], pages)
    for path in ("bash-completion/completions/daily-gpu-log", "zsh/vendor-completions/_daily-gpu-log",
                 "fish/vendor_completions.d/daily-gpu-log.fish"):
        there = check.root / "usr/share" / path
        check.judge(f"{path} completes --catch-up", there.exists() and "catch-up" in there.read_text())
    licence = (check.root / "usr/share/doc/daily-gpu-log/copyright").read_text()
    check.judge("the licence is there", "License: MIT\n" in licence and "free of charge" in licence, licence)
    crates = (check.root / "usr/share/doc/daily-gpu-log/crates.txt").read_text().splitlines()
    notices = gzip.decompress((check.root / "usr/share/doc/daily-gpu-log/licences.gz").read_bytes()).decode()
    lacking = [line for line in crates if f"\n==== {line.replace(' v', ' ', 1)}\n" not in notices]
    check.judge("the notices of all crates are there", len(crates) > 100 and not lacking, lacking)
    check.judge("the units are disabled", not os.path.lexists(check.root / TIMER))
    units = [f"daily-gpu-log.{kind}" for kind in ("service", "timer")]
    # Those of systemd's that they name are not in a bare Debian.
    shutil.copytree("/usr/lib/systemd/system", check.root / "tmp/units", symlinks=True)
    for unit in units:
        shutil.copy(check.root / "usr/lib/systemd/system" / unit, check.root / "tmp/units")
    verified = subprocess.run(["systemd-analyze", "verify", "--man=no", f"--root={check.root}", *units],
                              env={**os.environ, "SYSTEMD_UNIT_PATH": "/tmp/units"}, capture_output=True, text=True)
    complaints = [line for line in verified.stderr.splitlines() if "daily-gpu-log" in line]
    check.judge("systemd accepts the units", verified.returncode == 0 and not complaints, verified)
    shutil.rmtree(check.root / "tmp/units")
    table = check.does("inventory runs", "daily-gpu-log", "inventory", "--from", "-", "--name", "n", text=LISTING)
    check.judge("inventory prints the table", '\n"APU-70cb99ce3e214bda" = 1 ' in table, table)
    return before

def check_night(check, settings):
    (check.root / SETTINGS).write_text(settings)
    account = [line.split(":") for line in (check.root / "etc/passwd").read_text().splitlines()]
    uid = next(int(line[2]) for line in account if line[0] == "gpulog")
    token = check.root / "etc/daily-gpu-log/token"
    token.touch(mode=0o600)
    token.write_text(f"{TOKEN}\n")
    os.chown(token, uid, -1)
    checked = check.does("check finds nothing wrong as gpulog", "daily-gpu-log", "check", user="gpulog")
    check.judge("check says so", "0 errors, 0 warnings: ready to collect" in checked, checked)
    unit = (check.root / "usr/lib/systemd/system/daily-gpu-log.service").read_text()
    line = re.search(r"(?m)^ExecStart=(.*)$", unit)[1].split()
    check.judge("the unit runs the package's own program", line[0] == "/usr/bin/daily-gpu-log", line)
    night = check.run(*line, user="gpulog", umask=0o027)
    check.judge("the unit's line collects a night in silence", night == (0, "", ""), night)
    summaries = sorted(check.root.glob(f"{DATA}/*/*/summary_*.txt"))
    check.judge(f"{NODES} nodes have {DAYS} days", len(summaries) == NODES * DAYS, summaries)
    crontab = (check.root / "usr/share/doc/daily-gpu-log/examples/daily-gpu-log.crontab").read_text()
    check.judge("cron's line is the same", " ".join(line) in crontab, crontab)

def check_tls(check, settings, port, ca):
    url = f"https://{NAME}:{port}/api/v2/consumption/task"
    shutil.copy(ca, check.root / "etc/daily-gpu-log/api-ca.pem")
    with (check.root / "etc/hosts").open("a") as hosts:
        hosts.write(f"127.0.0.1 {NAME}\n")
    over_tls = re.sub(r'(\[management_api\]\nurl = ")[^"]*"', rf'\g<1>{url}"', settings)
    check.judge("the settings name the API by its name", url in over_tls, over_tls)
    trusted = over_tls.replace("[management_api]\n", '[management_api]\nca_file = "/etc/daily-gpu-log/api-ca.pem"\n')
    for name, text, status, said in (
            ("over TLS, the name from /etc/hosts, the API is reached", trusted, 0, f"ok: management API {url}: token accepted"),
            ("a CA that nobody knows is refused", over_tls, 3, "issuer is unknown")):
        (check.root / SETTINGS).write_text(text)
        done = check.run("daily-gpu-log", "check", user="gpulog")
        check.judge(name, done[0] == status and said in done[1], done)
    (check.root / SETTINGS).write_text(trusted)
    night = check.run("daily-gpu-log", "yesterday", user="gpulog")
    check.judge("a day is collected over TLS", night[0] == 0 and "complete" in night[1], night)

def check_life(check, deb, folder, before):
    """Upgrade, remove, purge."""
    root = check.root
    shutil.copy(newer(deb, folder), root / "tmp/newer.deb")
    kept = lambda: [(root / SETTINGS).read_text(), (root / "etc/daily-gpu-log/token").read_text(), check.modes(),
                    sorted(map(str, root.glob(f"{DATA}/**/*")))]
    subprocess.run(["systemctl", f"--root={root}", "--quiet", "enable", "daily-gpu-log.timer"], check=True)
    as_it_was = kept()
    check.does("a later version is installed", "dpkg", "--install", "/tmp/newer.deb")
    check.judge("the version is the later one", check.run("dpkg-query", "-f${Version}", "-W", "daily-gpu-log")[1].endswith("+newer"))
    check.judge("an upgrade keeps settings, token and data", kept() == as_it_was, kept())
    check.judge("an upgrade keeps the timer enabled", os.path.lexists(root / TIMER))
    aside = root / "tmp/config.toml"
    shutil.move(root / SETTINGS, aside)
    check.does("it is installed again", "dpkg", "--install", "/tmp/newer.deb")
    check.judge("settings that were removed stay away", not (root / SETTINGS).exists())
    shutil.move(aside, root / SETTINGS)
    check.does("dpkg removes it", "dpkg", "--remove", "daily-gpu-log")
    check.judge("removed, it leaves settings, token and data", kept() == as_it_was, kept())
    check.judge("removed, it leaves no program", not (root / "usr/bin/daily-gpu-log").exists())
    check.does("dpkg purges it", "dpkg", "--purge", "daily-gpu-log")
    for name in ("first.deb", "newer.deb"):
        (root / "tmp" / name).unlink()
    left = check.everything() - before
    check.judge("purged, it leaves nothing", not left, sorted(left))
    check.judge("purged, it leaves no account", check.accounts() == [], check.accounts())

def check_by_hand(check, deb):
    """What was set up without the package is left as it is, and no mount and no archived month is in the way of a purge."""
    root = check.root
    check.does("an account is made by hand, without a group of its own", "useradd", "--system", "--no-user-group", "gpulog")
    check.does("and a directory", "install", "-d", "-m", "755", "/etc/daily-gpu-log")
    (root / SETTINGS).write_text('timezone = "Asia/Taipei"\n')
    (root / SETTINGS).chmod(0o644)
    shutil.copy(deb, root / "tmp/first.deb")
    check.does("dpkg installs it beside them", "dpkg", "--install", "/tmp/first.deb")
    check.judge("they are as they were", check.modes() ==
                ["root:root 755", "root:root 644", "gpulog:gpulog 750", "gpulog:gpulog 750"]
                and (root / SETTINGS).read_text() == 'timezone = "Asia/Taipei"\n', check.modes())
    groups = check.does("the account has groups", "id", "-nG", "gpulog").split()
    check.judge("the account is in the group", "gpulog" in groups, groups)
    (root / ARCHIVE / "2025-06").mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "tmpfs", root / DATA], check=True)
    try:
        (root / DATA / "colab-gpu1").mkdir()
        check.does("dpkg purges it where the data are a mount", "dpkg", "--purge", "daily-gpu-log")
        check.judge("the mount is empty", not os.listdir(root / DATA), os.listdir(root / DATA))
    finally:
        subprocess.run(["umount", root / DATA], check=True)
    check.judge("archived months stay", (root / ARCHIVE / "2025-06").exists())
    left = check.run("dpkg-query", "-f${Status}", "-W", "daily-gpu-log")
    check.judge("dpkg knows it no more", left[0] == 1, left)
    check.judge("account and group are gone", check.accounts() == [], check.accounts())

def check_alone(check, tarball, folder):
    """The binary in a root that has nothing else: no library, no shell, no names."""
    subprocess.run(["tar", "-xzf", tarball, "-C", folder, "--strip-components=1"], check=True)
    names = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    wanted = {"README.md", "bin/daily-gpu-log", "share/man/man1/daily-gpu-log.1", "share/man/man7/daily-gpu-log-token.7",
              "share/man/zh_TW/man1/daily-gpu-log.1", "scripts/daily-gpu-log.service", "scripts/daily-gpu-log.timer",
              "scripts/daily-gpu-log.crontab", "scripts/gpu-inventory.sh", "share/doc/daily-gpu-log/licences.gz"}
    check.judge("the tarball has what it should", wanted <= names, wanted - names)
    alone = folder / "alone"
    alone.mkdir()
    shutil.copy(folder / "bin/daily-gpu-log", alone)
    bare = Check(alone)
    version = bare.run("/daily-gpu-log", "--version")
    check.judge("alone in an empty root, the binary runs", version[0] == 0 and version[1].startswith("daily-gpu-log "), version)
    missing = bare.run("/daily-gpu-log", "inventory")
    check.judge("without bash, inventory says so", missing[0] == 1 and missing[2].startswith("error: bash is not found"), missing)

def main():
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    files, simulation, root = (Path(argument).resolve() for argument in sys.argv[1:])
    [deb], [tarball] = files.glob("*.deb"), files.glob("*.tar.gz")
    check = Check(root)
    with tempfile.TemporaryDirectory(prefix="check-package-") as name, cluster(simulation, Path(name)) as settings:
        folder = Path(name)
        settings = re.sub(r'token_file = ".*"', 'token_file = "/etc/daily-gpu-log/token"', settings)
        settings = f'data_dir = "/{DATA}"\n{settings}'
        before = check_install(check, deb)
        check_night(check, settings)
        ca, context = certificates(folder, "api", NAME)
        with serving(ManagementApi, context) as port:
            check_tls(check, settings, port, ca)
        check_life(check, deb, folder, before)
        check_by_hand(check, deb)
        (folder / "tarball").mkdir()
        check_alone(check, tarball, folder / "tarball")
    print(f"{check.passed} passed, {check.failed} failed")
    return 1 if check.failed else 0

if __name__ == "__main__":
    sys.exit(main())
