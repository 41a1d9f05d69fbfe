"""Exports that are killed, watched, doubled, cut off from their server or short of room."""
import contextlib, os, random, shutil, signal, subprocess, threading, time

from .site import RUN_SECONDS, Site, error_of, files
from .targets import DuckDb, Sqlite
from .tree import CARDS, Cluster

class Copy:
    """A copy that is disturbed: how it is exported to, and which variant of the tree it has of each node's day."""
    def __init__(self, name, arguments, engine, state, folder=None):
        self.name, self.arguments, self.engine, self.state, self.folder = name, arguments, engine, state, folder

    def sums(self):
        exact = "CAST(round(gpu_percent * 10000000) AS BIGINT)"
        question = (f"SELECT {self.engine.text.format('date')}, node, count(*), sum({exact}) FROM {self.engine.source('reading')} "
                    "GROUP BY date, node")
        return {(date, node): (int(count), int(total)) for date, node, count, total in self.engine.answers([question])[0]}

class Variants:
    """A tree in two variants that differ in every reading, so that a day that is half of each is found out."""
    def __init__(self, tree):
        self.bytes, self.sums, self.current = ({}, {}), ({}, {}), 0
        for date in tree.dates:
            for node in tree.nodes:
                counts, totals = [0, 0], [0, 0]
                for gpu in range(len(CARDS)):
                    path = tree.data / node / date / f"gpu{gpu}_{date}.csv"
                    first = path.read_text()
                    head, *rows = first.splitlines()
                    fields = [row.rsplit(",", 2) for row in rows]
                    units = [round(float(field[1]) * 10**7) for field in fields]
                    other = [unit - 1 if unit else 1 for unit in units]
                    second = [head] + [f"{field[0]},{unit / 10**7:.7f},{field[2]}" for field, unit in zip(fields, other)]
                    self.bytes[0][path], self.bytes[1][path] = first, "\n".join(second) + "\n"
                    for variant, of in enumerate((units, other)):
                        counts[variant] += len(of)
                        totals[variant] += sum(of)
                for variant in (0, 1):
                    self.sums[variant][date, node] = counts[variant], totals[variant]

    def flip(self):
        self.current = 1 - self.current
        for path, text in self.bytes[self.current].items():
            new = path.with_name(path.name + ".new")
            new.write_text(text)
            new.rename(path)

    def torn(self, sums):
        return [f"{key}: {value} is neither {self.sums[0][key]} nor {self.sums[1][key]}" for key, value in sums.items()
                if value not in (self.sums[0][key], self.sums[1][key])][:3]

    def other_than_current(self, sums):
        want = self.sums[self.current]
        return [f"{key}: {sums.get(key)} and not {want[key]}" for key in want if sums.get(key) != want[key]][:3] + \
               [f"{key} is not of the tree" for key in sums if key not in want][:3]

def check_unchanged(check, site, copy):
    before = copy.state()
    site.must("export", *copy.arguments, "--all")
    check.judge(f"{copy.name}: a second export of unchanged days writes nothing", ["it did"] * (copy.state() != before))

def check_kills(check, site, copy, variants, kills, dice):
    variants.flip()
    started = time.monotonic()
    site.must("export", *copy.arguments, "--all")
    took = time.monotonic() - started
    killed, problems = 0, variants.other_than_current(copy.sums())
    for number in range(kills):
        variants.flip()
        export = site.start("export", *copy.arguments, "--all")
        time.sleep((number + dice.random()) / kills * took)       # all the way from its beginning to its end
        export.kill()
        export.stderr.close()
        killed += export.wait() == -signal.SIGKILL
        problems += variants.torn(copy.sums())
        site.must("export", *copy.arguments, "--all")
        problems += variants.other_than_current(copy.sums())
        if copy.folder:
            problems += [f"left: {path}" for path in copy.folder.rglob("*")
                         if path.is_file() and path.suffix not in (".parquet", ".lock")]
    if killed == 0:
        problems.append("no export was killed before its end")
    check.judge(f"{copy.name}: {killed} of {kills} exports killed; no day half, and the next export mends it", problems)

def check_two_at_once(check, site, copy, variants):
    problems = []
    for _ in range(3):
        variants.flip()
        exports = [site.start("export", *copy.arguments, "--all") for _ in range(2)]
        for export in exports:
            _, said = export.communicate(timeout=RUN_SECONDS)
            if export.returncode != 0:
                problems.append(f"exit status {export.returncode}: {said[-500:]}")
        problems += variants.other_than_current(copy.sums())
    check.judge(f"{copy.name}: two exporters at once", problems)

def check_reader(check, site, copy, variants):
    """Somebody reads all the time while days are replaced. DuckDB takes a file's size from the listing, and refuses to
    read one that was replaced since: it has to be asked again, and never answers with half a day."""
    problems, looks, refused, stop = [], 0, 0, threading.Event()
    def read():
        nonlocal looks, refused
        while not stop.is_set():
            try:
                sums = copy.sums()
            except Exception as error:
                refused += 1
                if not copy.folder:
                    problems.append(f"{type(error).__name__}: {error}")
                continue
            looks += 1
            problems.extend(variants.torn(sums))
            if len(sums) != len(variants.sums[0]):
                problems.append(f"{len(sums)} days of nodes and not {len(variants.sums[0])}")
    reader = threading.Thread(target=read)
    reader.start()
    try:
        for _ in range(4):
            variants.flip()
            site.must("export", *copy.arguments, "--all")
    finally:
        stop.set()
        reader.join()
    check.judge(f"{copy.name}: a reader during exports sees whole days: {looks} looks, {refused} refused",
                problems[:5] + ["no look"] * (not looks))

def check_stopped(check, site, copy, variants, postgres):
    """The server goes away in the middle of an export."""
    before, problems, said, status = None, [], "", 0
    variants.flip()
    started = time.monotonic()
    site.must("export", *copy.arguments, "--all")
    took = time.monotonic() - started
    for part in (0.5, 0.4, 0.3, 0.2, 0.1, 0.6, 0.7, 0.8):
        variants.flip()
        before = files(site.data)
        export = site.start("export", *copy.arguments, "--all")
        time.sleep(part * took)
        postgres.stop()
        _, said = export.communicate(timeout=RUN_SECONDS)
        postgres.start()
        status = export.returncode
        if status != 0:
            break
    if status != 3:
        problems.append(f"exit status {status}: {said[-1000:]}")
    if files(site.data) != before:
        problems.append("the tree is not as it was")
    problems += variants.torn(copy.sums())
    site.must("export", *copy.arguments, "--all")
    problems += variants.other_than_current(copy.sums())
    check.judge(f"{copy.name}: the server is stopped on the way: {error_of(said)}", problems)

@contextlib.contextmanager
def small_disk(folder, kib):
    """A file system of so many KiB; the function that it yields makes it larger."""
    folder.mkdir()
    root = [] if os.geteuid() == 0 else ["sudo"]
    mount = lambda options: subprocess.run([*root, "mount", "-t", "tmpfs", "-o", f"size={kib}k,mode=0777{options}",
                                            "tmpfs", folder], check=True)
    mount("")
    def room(kib):
        subprocess.run([*root, "mount", "-o", f"remount,size={kib}k", folder], check=True)
    try:
        yield room
    finally:
        subprocess.run([*root, "umount", "-l", folder], check=True)

def check_full(check, site, copy, kib, variants, folder, make=None):
    """The disk of the copy has too little room, and then enough."""
    with small_disk(folder, kib) as room:
        if make:
            make(room)
        before = files(site.data)
        status, said = site.run("export", *copy.arguments, "--all")
        problems = [] if status == 3 else [f"exit status {status}: {said[-1000:]}"]
        if files(site.data) != before:
            problems.append("the tree is not as it was")
        room(1 << 18)
        site.must("export", *copy.arguments, "--all")
        problems += variants.other_than_current(copy.sums())
        check.judge(f"{copy.name}: a full disk: {error_of(said)}", problems)

def check_copies(check, binary, simulation, folder, postgres, python, settings, many, kills):
    """Disturbs exports of a larger tree, of so many nodes and days."""
    dice = random.Random(11)
    with Cluster(simulation, folder / "many-cluster", *many, seed=3) as cluster:
        site = Site(binary, cluster, folder / "many", settings)
        site.collect()
        variants = Variants(site.tree())
        postgres.say("DROP SCHEMA IF EXISTS daily_gpu_log CASCADE")
        file, dataset = folder / "many/gpu.sqlite", folder / "many/dataset"
        log = file.with_name("gpu.sqlite-wal")
        stamp = lambda path: (path.stat().st_mtime_ns, path.stat().st_ino, path.read_bytes())
        copies = [
            Copy("SQLite", ("sqlite", "--file", file), Sqlite(file), lambda: (stamp(file), log.exists() and stamp(log)[2])),
            Copy("PostgreSQL", ("postgres",), postgres,
                 # The next transaction that writes would have this number.
                 lambda: postgres.say("SELECT pg_snapshot_xmax(pg_current_snapshot())")),
            Copy("Parquet", ("parquet", "--dir", dataset), DuckDb(python, dataset), lambda: files(dataset), dataset)]
        for copy in copies:
            with check.part(f"{copy.name}: kills"):
                check_kills(check, site, copy, variants, kills, dice)
            with check.part(f"{copy.name}: unchanged"):
                check_unchanged(check, site, copy)
            with check.part(f"{copy.name}: two at once"):
                check_two_at_once(check, site, copy, variants)
            with check.part(f"{copy.name}: reader"):
                check_reader(check, site, copy, variants)
        with check.part("PostgreSQL: stopped"):
            check_stopped(check, site, copies[1], variants, postgres)
        with check.part("SQLite: full"):
            full = folder / "full-sqlite"
            copy = Copy("SQLite", ("sqlite", "--file", full / "gpu.sqlite"), Sqlite(full / "gpu.sqlite"), None)
            check_full(check, site, copy, file.stat().st_size // 2048, variants, full)
        with check.part("Parquet: full"):
            full = folder / "full-parquet"
            copy = Copy("Parquet", ("parquet", "--dir", full / "dataset"), DuckDb(python, full / "dataset"), None)
            size = sum(path.stat().st_size for path in dataset.rglob("*.parquet"))
            check_full(check, site, copy, size // 2048, variants, full)
        with check.part("PostgreSQL: full"):
            full = folder / "full-postgres"
            def make(room):
                shutil.chown(full, *(("postgres", "postgres") if os.geteuid() == 0 else (os.geteuid(), os.getegid())))
                postgres.say(f"CREATE TABLESPACE small LOCATION '{full}'", "postgres")
                postgres.say("DROP SCHEMA daily_gpu_log CASCADE")
                postgres.say("ALTER DATABASE gpu SET default_tablespace = small")
                postgres.say("GRANT CREATE ON TABLESPACE small TO gpulog")
            copy = Copy("PostgreSQL", ("postgres",), postgres, None)
            postgres.say("VACUUM FULL")
            size = int(postgres.say("SELECT sum(pg_total_relation_size(c.oid)) FROM pg_class c JOIN pg_namespace n ON n.oid = "
                                    "relnamespace WHERE nspname = 'daily_gpu_log' AND relkind = 'r'")[0][0])
            try:
                check_full(check, site, copy, max(size // 2048, 256), variants, full, make)
            finally:
                postgres.say("ALTER DATABASE gpu RESET default_tablespace")
                postgres.say("DROP SCHEMA daily_gpu_log CASCADE")
                postgres.say("DROP TABLESPACE small", "postgres")
