"""Exports a tree to SQLite, PostgreSQL and Parquet, and compares what real engines read with the tree's own CSVs.

usage: check_engines.py BINARY SIMULATION [--all]      (by check_engines.sh, which installs the engines)
"""
import contextlib, os, shutil, signal, subprocess, sys, tempfile, time
from pathlib import Path

from engines.compare import Ask, check_questions, compare, compare_views
from engines.disturb import Variants, check_copies
from engines.site import RUN_SECONDS, Check, Site, error_of
from engines.targets import ClickHouse, DuckDb, Postgres, Spark, Sqlite
from engines.tree import CARDS, Cluster
from https import certificates

ALL = "--all" in sys.argv
KILLS = 50 if ALL else 4
# Nodes and days of the tree whose exports are disturbed: a day is more than one transaction of 64 nodes.
MANY = (100, 4) if ALL else (70, 2)
SHARDS = 4
NODES_A_SHARD = 250 if ALL else 5

def punch(tree):
    """What the program does not write every day: gaps, a GPU without a file, and figures at the ends."""
    date, node = tree.dates[-1], tree.nodes[0]
    path = lambda gpu: tree.data / node / date / f"gpu{gpu}_{date}.csv"
    def change(gpu, columns, rows, values):
        lines = path(gpu).read_text().splitlines()
        for place, number in enumerate(rows):
            fields = lines[1 + number].split(",")
            for column in columns:
                fields[column] = values[place % len(values)]
            lines[1 + number] = ",".join(fields)
        path(gpu).write_text("\n".join(lines) + "\n")
    change(0, [2], range(10, 20), [""])
    change(1, [2, 3], [0, 1, 143], [""])
    change(2, [3], range(144), [""])
    path(3).unlink()
    change(4, [2, 3], range(60), ["0.0000001", "100", "33.3333333", "0", "99.9999999", "0.1"])

def database(postgres, folder, password="password", ca="ours-ca.pem", **url):
    ca_file = f'ca_file = "{folder}/{ca}"\n' if ca else ""
    return f'\n[database]\nurl = "{postgres.url(**url)}"\npassword_file = "{folder}/{password}"\n{ca_file}'

def check_doors(check, binary, cluster, folder, postgres):
    """What lets a client in, and what must not."""
    dates = cluster.dates[-1:]
    for number, (name, settings, status, words) in enumerate((
        ("over TLS", database(postgres, folder, query="?sslmode=require"), 0, ()),
        ("without TLS", database(postgres, folder, ca=None, query="?sslmode=disable"), 0, ()),
        ("a certificate of another name", database(postgres, folder, host="127.0.0.1"), 3, ("name",)),
        ("a certificate of an unknown issuer", database(postgres, folder, ca="strange-ca.pem"), 3, ("issuer",)),
        ("a wrong password", database(postgres, folder, password="wrong-password"), 3, ("password",)),
        ("no such database", database(postgres, folder, database="nowhere"), 3, ("nowhere",)),
    )):
        site = Site(binary, cluster, folder / f"door{number}", settings)
        got, said = site.run("export", "postgres", dates[0], data=folder / "site/data")
        problems = [] if got == status else [f"exit status {got} and not {status}"]
        problems += [f"it does not say {word!r}" for word in words if word.lower() not in said.lower()]
        problems += ["it says a password"] * (Postgres.PASSWORD in said)
        check.judge(f"PostgreSQL: {name}: {error_of(said)}",
                    problems and [*problems, said])

def check_nightly(check, binary, cluster, folder, postgres, settings):
    """The copy is made by the run that collects, and made up for by the next one."""
    site = Site(binary, cluster, folder / "nightly", f'\n[export]\nnightly = ["sqlite", "postgres"]\n{settings}')
    date = cluster.dates[-1]
    postgres.say("DROP SCHEMA IF EXISTS daily_gpu_log CASCADE")
    postgres.stop()
    status, said = site.run(date)
    postgres.start()
    problems = [] if status == 3 else [f"exit status {status}"]
    problems += ["it does not name the copy"] * ("postgres" not in said)
    tree = site.tree(dates=[date])
    problems += ["the tree is not complete"] * (len(tree.readings()) != 144 * len(CARDS) * len(cluster.nodes))
    check.judge("nightly: a run with the database down ends with 3 and names it", problems and [*problems, said])
    site.must(date)
    compare(check, postgres, tree, "after the next run: every value")
    compare(check, Sqlite(site.data / "gpu.sqlite"), tree, "nightly: every value")

def check_shards(check, binary, simulation, folder, postgres, python, settings):
    with Cluster(simulation, folder / "shards-cluster", SHARDS * NODES_A_SHARD, 1 if ALL else 2, seed=7) as cluster:
        site = Site(binary, cluster, folder / "shards", settings)
        site.collect()
        whole = site.tree()
        place = lambda shard: (site.folder / f"data{shard}", ("--shard", f"{shard}/{SHARDS}"))
        dataset = folder / "shards" / "dataset"
        exports = {"postgres": ("postgres",), "parquet": ("parquet", "--dir", dataset)}
        postgres.say("DROP SCHEMA IF EXISTS daily_gpu_log CASCADE")
        def at_once(*arguments, shards=range(1, SHARDS + 1)):
            started = [site.start(*arguments, *place(shard)[1], data=place(shard)[0]) for shard in shards]
            for process in started:
                _, said = process.communicate(timeout=RUN_SECONDS)
                if process.returncode != 0:
                    raise RuntimeError(f"{' '.join(map(str, arguments))} ended with {process.returncode}: {said[-1000:]}")
        dates = cluster.dates
        at_once("--quiet", dates[0], "--to", dates[-1])
        sizes = [len(list(place(shard)[0].glob("node*"))) for shard in range(1, SHARDS + 1)]
        check.judge(f"shards: of {len(cluster.nodes)} nodes {sizes} are each machine's",
                    ["a node is of none or of several"] * (sum(sizes) != len(cluster.nodes)))
        for arguments in exports.values():
            at_once("export", *arguments, "--all")
        readers = [postgres, DuckDb(python, dataset)]
        for engine in readers:
            compare(check, engine, whole, f"{SHARDS} machines: every value")
        check_questions(check, readers, Ask(site, whole))

        # Machine 2 dies in the middle.
        shutil.rmtree(dataset)
        postgres.say("DROP SCHEMA daily_gpu_log CASCADE")
        for arguments in exports.values():
            data, of_shard = place(2)
            dying = site.start("export", *arguments, "--all", *of_shard, data=data)
            time.sleep(0.05)
            dying.kill()
            dying.communicate()
            at_once("export", *arguments, "--all")
        for engine in readers:
            compare(check, engine, whole, "a machine killed and run again: every value")

        # A fifth machine takes over some nodes of the last day, and reads them a little higher.
        more = SHARDS + 1
        data, of_more = site.folder / "data-more", ("--shard", f"{more}/{more}")
        site.collect(dates[-1], *of_more, data=data)
        moved = sorted(path.name for path in data.glob("node*"))
        Variants(site.tree(data=data, nodes=moved, dates=dates[-1:])).flip()
        Variants(site.tree(nodes=moved, dates=dates[-1:])).flip()
        time.sleep(1.1)      # the newest export counts, to the second
        for arguments in exports.values():
            site.must("export", *arguments, "--all", *of_more, data=data)
        for engine in readers:
            compare(check, engine, whole, f"{len(moved)} nodes moved to a fifth machine count once: every value")
        check.judge("shards: some nodes moved, and not all", ["none or all"] * (not 0 < len(moved) < len(cluster.nodes)))

def check_all(check, binary, simulation, folder, closers):
    python = Path(sys.executable)
    for name in ("ours", "strange"):
        certificates(folder, name)
    for file, text in (("password", Postgres.PASSWORD), ("wrong-password", "no-such-hush")):
        (folder / file).touch(mode=0o600)
        (folder / file).write_text(f"{text}\n")
    postgres = Postgres(folder / "postgres", folder / "ours.pem", folder / "ours.key")
    closers.callback(postgres.close)
    settings = database(postgres, folder)
    with Cluster(simulation, folder / "cluster", 4, 4) as cluster:
        site = Site(binary, cluster, folder / "site", settings)
        site.collect()
        tree = site.tree()
        punch(tree)
        dataset = folder / "dataset"
        for arguments in (("sqlite",), ("postgres",), ("parquet", "--dir", dataset)):
            with check.part(f"export {arguments[0]}"):
                site.must("export", *arguments, "--all")
        engines = [Sqlite(site.data / "gpu.sqlite"), postgres, DuckDb(python, dataset)]
        if ALL:
            spark = Spark(python, dataset, folder / "spark")
            closers.callback(spark.close)
            engines += [ClickHouse(python, dataset), spark]
        for engine in engines:
            with check.part(f"{engine.name}: values"):
                compare(check, engine, tree)
        for engine in engines[:2]:
            with check.part(f"{engine.name}: views"):
                compare_views(check, engine, tree)
        check_questions(check, engines, Ask(site, site.tree(dates=cluster.dates[:-1])))
        if ALL:
            spark.close()
        with check.part("doors"):
            check_doors(check, binary, cluster, folder, postgres)
        with check.part("nightly"):
            check_nightly(check, binary, cluster, folder, postgres, settings)
    with check.part("disturbed exports"):
        check_copies(check, binary, simulation, folder, postgres, python, settings, MANY, KILLS)
    with check.part("shards"):
        check_shards(check, binary, simulation, folder, postgres, python, settings)

def main():
    arguments = [argument for argument in sys.argv[1:] if argument != "--all"]
    if len(arguments) != 2 or not all(os.access(path, os.X_OK) for path in arguments):
        sys.exit("usage: check_engines.py BINARY SIMULATION [--all] (build them first: cargo build --release --examples --bins)")
    binary, simulation = map(os.path.abspath, arguments)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))     # to leave through the context managers
    os.environ["TZ"] = "UTC"
    os.umask(0o022)
    check = Check()
    with tempfile.TemporaryDirectory(prefix="check-engines-", ignore_cleanup_errors=True) as name, \
            contextlib.ExitStack() as closers:
        folder = Path(name)
        folder.chmod(0o755)      # PostgreSQL runs as somebody else
        check_all(check, binary, simulation, folder, closers)
    print(f"{check.passed} passed, {check.failed} failed")
    return 1 if check.failed else 0

if __name__ == "__main__":
    sys.exit(main())
