"""The engines that read the copies, each started and stopped here, on loopback. All answer the same question: rows of
texts, whole numbers and doubles, times as seconds since 1970."""
import contextlib, csv, io, json, os, pwd, shutil, signal, socket, sqlite3, subprocess, time
from pathlib import Path

SQL = Path(__file__).resolve().parents[1] / "sql"
START_SECONDS = 120

# What is compared of the tables that all engines have: a letter for the kind of each column. t: text, i: whole number,
# f: double, s: a time.
TABLES = {
    "node_day": {"date": "t", "node": "t", "starts": "s", "ends": "s", "until": "s", "interval_seconds": "i",
                 "timezone": "t", "task_information": "t", "readings": "i", "readings_due": "i"},
    "reading": {"date": "t", "node": "t", "gpu": "i", "card": "i", "interval_end": "s", "gpu_percent": "f",
                "vram_percent": "f"},
    "holding": {"date": "t", "node": "t", "gpu": "i", "user_name": "t", "task": "t", "task_type": "t", "project": "t",
                "starts": "s", "ends": "s"},
    "usage": {"date": "t", "node": "t", "kind": "t", "user_name": "t", "gpu": "i", "total_seconds": "i",
              "active_seconds": "i", "idle_vram_held_seconds": "i", "idle_vram_empty_seconds": "i",
              "idle_vram_unknown_seconds": "i", "unknown_seconds": "i", "vram_observed_seconds": "i",
              "gpu_percent": "f", "vram_percent": "f", "starts": "s", "ends": "s", "doubts": "t"},
}

# Views for people, which SQLite and PostgreSQL have, and the runs.
VIEWS = {
    "gpu_day": {"date": "t", "node": "t", "gpu": "i", "card": "i", "gpu_percent": "f", "vram_percent": "f",
                "readings": "i", "readings_due": "i"},
    "usage_by_user_day": {"date": "t", "user_name": "t", "gpu_hours": "f", "active_hours": "f", "idle_hours": "f",
                          "unknown_hours": "f", "gpu_percent": "f", "vram_percent": "f"},
    "run": {"date": "t", "exit_status": "i", "version": "t", "notices": "t"},
}

def free_port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]

def wait_for_port(port, process, what):
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until and process.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise RuntimeError(f"{what} does not start")

def end(process):
    """Ends what was started in a session of its own, with all that it started."""
    if process.poll() is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait(20)

def typed(value, kind):
    if value is None:
        return None
    return {"t": str, "i": int, "f": float, "s": int}[kind](value)

class Engine:
    """`text` and `seconds` say how a date and a time are made such."""
    name = text = seconds = None

    def source(self, table):
        return table

    def select(self, table):
        """A question for all rows of a table, and the kinds of its columns."""
        shown = {"date": self.text.format("date")}
        columns = (TABLES | VIEWS)[table]
        fields = [self.seconds.format(name) if kind == "s" else shown.get(name, name) for name, kind in columns.items()]
        return f"SELECT {', '.join(fields)} FROM {self.source(table)}", "".join(columns.values())

    def tables(self, tables=TABLES):
        """All rows of each table, sorted."""
        questions = [self.select(table) for table in tables]
        answers = self.answers([question for question, _ in questions])
        rows = ([tuple(map(typed, row, kinds)) for row in answer] for answer, (_, kinds) in zip(answers, questions))
        return dict(zip(tables, (sorted(of_table, key=repr) for of_table in rows)))

    def questions(self, texts):
        """What the engine says to the questions of `sql`, each after the views."""
        return self.answers(texts, views=True)

class Sqlite(Engine):
    name, text, seconds = "SQLite", "{}", "{}"

    def __init__(self, file):
        self.file = file

    def source(self, table):
        """Its readings have no date: the node's day has it."""
        if table != "reading":
            return table
        return ("(SELECT date, r.* FROM node_day AS d JOIN reading AS r ON r.node = d.node AND interval_end > d.starts "
                "AND interval_end <= d.ends)")

    def answers(self, texts, views=False):
        # The client would round doubles to 15 digits.
        with contextlib.closing(sqlite3.connect(f"file:{self.file}?mode=ro", uri=True, timeout=60)) as connection:
            return [connection.execute(text).fetchall() for text in texts]

    def questions(self, texts):
        views = (SQL / "sqlite/views.sql").read_text()
        def client(text):
            done = subprocess.run(["/usr/bin/sqlite3", "-readonly", "-bail", "-json", self.file], input=f"{views}\n{text}",
                                  capture_output=True, text=True, check=True, timeout=60)
            return [list(row.values()) for row in json.loads(done.stdout or "[]")]
        return [client(text) for text in texts]

class Postgres(Engine):
    """A cluster of its own, with TLS for whoever wants it, a database `gpu` and a role `gpulog` that owns it."""
    name, text, seconds = "PostgreSQL", "{}::text", "extract(epoch FROM {})::bigint"
    PASSWORD = "hush-hush"

    def __init__(self, folder, certificate, key):
        [*_, self.bin] = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
        self.folder, self.port = folder, free_port()
        folder.mkdir()
        # It refuses to run as root.
        self._as = {}
        if os.geteuid() == 0:
            account = pwd.getpwnam("postgres")
            self._as = {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}
            os.chown(folder, account.pw_uid, account.pw_gid)
        self._run("initdb", "-D", folder / "data", "-U", "postgres", "--auth-local=trust", "--auth-host=scram-sha-256",
                  "--encoding=UTF8", "--no-locale", "--no-sync")
        for name, source in (("server.crt", certificate), ("server.key", key)):
            shutil.copy(source, folder / "data" / name)
            (folder / "data" / name).chmod(0o600)
            if self._as:
                os.chown(folder / "data" / name, self._as["user"], self._as["group"])
        with open(folder / "data/postgresql.conf", "a") as settings:
            settings.write(f"listen_addresses = '127.0.0.1'\nport = {self.port}\nunix_socket_directories = '{folder}'\n"
                           "ssl = on\nfsync = off\nautovacuum = off\ntimezone = 'America/New_York'\n")
        self.start()
        self.say(f"CREATE ROLE gpulog LOGIN PASSWORD '{self.PASSWORD}'", "postgres")
        self.say("CREATE DATABASE gpu OWNER gpulog", "postgres")

    def source(self, table):
        return f"daily_gpu_log.{table}"

    def _run(self, program, *arguments):
        subprocess.run([self.bin / program, *arguments], check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                       timeout=START_SECONDS, cwd="/", **self._as)

    def start(self):
        self._run("pg_ctl", "-D", self.folder / "data", "-l", self.folder / "log", "-w", "start")

    def stop(self, mode="immediate"):
        self._run("pg_ctl", "-D", self.folder / "data", "-m", mode, "-w", "stop")

    def close(self):
        if (self.folder / "data/postmaster.pid").exists():
            self.stop()

    def url(self, host="localhost", query="", database="gpu"):
        return f"postgres://gpulog@{host}:{self.port}/{database}{query}"

    def say(self, text, database="gpu", files=()):
        """Its client's answer, as CSV."""
        files = [argument for file in files for argument in ("-f", file)]
        command = ["psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-h", self.folder, "-p", str(self.port), "-U", "postgres",
                   "-d", database, "--csv", "-t", "-P", "null=\\N", *files, "-f", "-"]
        done = subprocess.run(command, input=text, capture_output=True, text=True, timeout=300, cwd="/")
        if done.returncode != 0:
            raise RuntimeError(done.stderr)
        return [[None if value == "\\N" else value for value in row] for row in csv.reader(io.StringIO(done.stdout))]

    def answers(self, texts, views=False):
        files = [SQL / "postgres/views.sql"] if views else []
        return [self.say(f"SET timezone = 'UTC';\n{text}", files=files) for text in texts]

class InFolder(Engine):
    """An engine that reads the dataset in a process of its own, in the dataset's directory, as people do. CHILD answers
    each of the statements that it reads with a line of JSON."""
    environment = {}

    def __init__(self, python, dataset):
        self.python, self.dataset = python, dataset

    def answers(self, texts, views=True):
        statements = (SQL / self.folder / "views.sql").read_text().split(";\n")
        asked = json.dumps([[text for text in statements if text.strip()], texts])
        done = subprocess.run([self.python, "-c", self.CHILD], input=asked, capture_output=True, text=True, timeout=600,
                              cwd=self.dataset, env={**os.environ, "TZ": "UTC", **self.environment})
        if done.returncode != 0:
            raise RuntimeError(done.stderr[-3000:])
        return [json.loads(line) for line in done.stdout.splitlines()[-len(texts):]]

class DuckDb(InFolder):
    name, folder, text, seconds = "DuckDB", "duckdb", "{}::VARCHAR", "epoch({})::BIGINT"
    CHILD = """
import duckdb, json, sys
views, texts = json.load(sys.stdin)
connection = duckdb.connect()
for text in views:
    connection.execute(text)
for text in texts:
    print(json.dumps(connection.execute(text).fetchall(), default=str))
"""

class ClickHouse(InFolder):
    name, folder, text, seconds = "ClickHouse", "clickhouse", "toString({})", "toUnixTimestamp({})"
    CHILD = """
import json, sys
from chdb.session import Session
views, texts = json.load(sys.stdin)
session = Session()
for text in views:
    session.query(text)
for text in texts:
    rows = str(session.query(text.rstrip().rstrip(";"), "JSONCompactEachRow")).splitlines()
    print(json.dumps([json.loads(row) for row in rows]))
"""

class Spark(InFolder):
    """A standalone cluster: a master and two workers."""
    name, folder, text, seconds = "Spark", "spark", "CAST({} AS STRING)", "unix_timestamp({})"
    CHILD = """
import json, os, sys
from pyspark.sql import SparkSession
views, texts = json.load(sys.stdin)
settings = {"spark.ui.enabled": "false", "spark.driver.host": "127.0.0.1", "spark.driver.bindAddress": "127.0.0.1",
            "spark.sql.shuffle.partitions": "4", "spark.sql.session.timeZone": "UTC", "spark.cores.max": "2",
            "spark.executor.memory": "768m", "spark.sql.warehouse.dir": os.environ["WAREHOUSE"]}
builder = SparkSession.builder.master(os.environ["MASTER"])
for key, value in settings.items():
    builder = builder.config(key, value)
spark = builder.getOrCreate()
spark.sparkContext.setLogLevel("ERROR")
for text in views:
    spark.sql(text)
answers = [[list(row) for row in spark.sql(text.rstrip().rstrip(";")).collect()] for text in texts]
workers = spark.sparkContext._jsc.sc().getExecutorMemoryStatus().size() - 1
spark.stop()
for answer in answers:
    print(json.dumps(answer, default=str))
sys.exit(0 if workers == 2 else f"{workers} executors")
"""

    def __init__(self, python, dataset, folder):
        super().__init__(python, dataset)
        home = subprocess.run([python, "-c", "import os, pyspark; print(os.path.dirname(pyspark.__file__))"],
                              capture_output=True, text=True, check=True).stdout.strip()
        port, self._processes = free_port(), []
        self.environment = {"SPARK_LOCAL_IP": "127.0.0.1", "SPARK_HOME": home, "PYSPARK_PYTHON": str(python),
                            "SPARK_LOCAL_DIRS": str(folder), "MASTER": f"spark://127.0.0.1:{port}",
                            "WAREHOUSE": str(folder / "warehouse")}
        folder.mkdir()
        def start(name, *arguments):
            with open(folder / f"{name}.log", "w") as log:
                process = subprocess.Popen([f"{home}/bin/spark-class", *arguments], stdin=subprocess.DEVNULL, stdout=log,
                                           stderr=log, cwd=folder, start_new_session=True,
                                           env={**os.environ, **self.environment})
            self._processes.append(process)
            return process
        try:
            master = start("master", "org.apache.spark.deploy.master.Master", "--host", "127.0.0.1", "--port", str(port),
                           "--webui-port", "0")
            wait_for_port(port, master, "Spark's master")
            for number in (1, 2):
                worker = start(f"worker{number}", "org.apache.spark.deploy.worker.Worker", "--host", "127.0.0.1",
                               "--webui-port", "0", "-c", "1", "-m", "1g", "-d", str(folder / f"work{number}"),
                               self.environment["MASTER"])
                self._wait_for_worker(folder / f"worker{number}.log", worker)
        except BaseException:
            self.close()
            raise

    def _wait_for_worker(self, log, process):
        until = time.monotonic() + START_SECONDS
        while "Successfully registered" not in log.read_text():
            if process.poll() is not None or time.monotonic() > until:
                raise RuntimeError(f"a worker of Spark does not start: {log.read_text()[-2000:]}")
            time.sleep(0.2)

    def close(self):
        for process in self._processes:
            end(process)
