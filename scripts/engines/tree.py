"""A simulated cluster whose nights are collected into a tree, and what that tree says, read without any code of ours."""
import bisect, collections, csv, datetime, http.server, json, math, random, subprocess, threading
from pathlib import Path
from urllib.parse import parse_qs, urlsplit
from zoneinfo import ZoneInfo

ZONE = ZoneInfo("Asia/Taipei")
CARDS = [1, 9, 17, 25, 33, 41, 49, 57]
DAY = 86400
# What a copy must not stumble over: signs of CSV, of SQL and of formulas, and another script.
USERS = ["alice", "王小明", "o'brien", 'eve "e", the 2nd', "=cmd()", "a\\nb", "bob", "carol"]
PROJECTS = ["pd000001", "pd000002", "專案 3", None]
TYPES = ["LAB", "WEBAPP", None]

def midnight(date):
    return int(datetime.datetime.combine(datetime.date.fromisoformat(date), datetime.time(), ZONE).timestamp())

def dates_until_yesterday(days):
    today = datetime.datetime.now(ZONE).date()
    return [str(today - datetime.timedelta(days=ago)) for ago in range(days, 0, -1)]

def make_tasks(nodes, dates, seed=1):
    """Tasks that hold each GPU in turn, some over midnight; some with two GPUs; now and then another user's at once, or a
    second one of the same user, which began later."""
    dice, tasks = random.Random(seed), []
    first, end = midnight(dates[0]), midnight(dates[-1]) + DAY
    def add(user, node, cards, start, stop, project):
        tasks.append({"id": f"t-{len(tasks):06}", "user": user, "node": node, "cards": cards, "start": start,
                      "end": stop, "project": project, "type": dice.choice(TYPES)})
    for node in nodes:
        for card in CARDS:
            time = first - dice.randrange(DAY)
            while time < end:
                stop = time + dice.randrange(3600, 30 * 3600)
                if dice.random() < 0.7 and stop > first:
                    user, project = dice.choice(USERS), dice.choice(PROJECTS)
                    # None that began before the first day has two: which of two began first is then known.
                    is_alone = time < first or dice.random() < 0.8
                    cards = [card] if is_alone else [card, CARDS[CARDS.index(card) - 1]]
                    add(user, node, cards, time, stop, project)
                    begin = dice.randrange(max(time, first), stop)
                    if dice.random() < 0.2:
                        add(user, node, [card], begin, stop + 1800, dice.choice(PROJECTS))
                time = stop + dice.randrange(0, 4 * 3600)
    return tasks

def gmt(unix):
    return datetime.datetime.fromtimestamp(unix, datetime.timezone.utc).strftime("%a, %d %b %Y %H:%M:%S GMT")

def answer(tasks, start, end):
    """What the management API says of the tasks between two times."""
    return {task["id"]: {
        "username": task["user"], "hostname": task["node"],
        "gpus": [{"id": card, "uuid": f"APU-{card:016x}", "name": "AMD Instinct MI300X", "memory": 196592, "mig": False}
                 for card in task["cards"]],
        "task": {"_type": task["type"], "project_uuid": task["project"], "image": "registry.example/lab:1",
                 "create_time": gmt(task["start"]), "owner": task["user"]},
        "flavor": f"gpu{len(task['cards'])}", "start": gmt(task["start"]), "end": gmt(task["end"]),
        "total_seconds": float(min(task["end"], end) - max(task["start"], start)),
    } for task in tasks if task["start"] < end and task["end"] > start}

class Cluster:
    """Nodes of eight GPUs, and a management API that has `tasks`, until the end of the `with`."""
    def __init__(self, simulation, folder, count, days, seed=1):
        self.folder = folder
        folder.mkdir()
        self.dates = dates_until_yesterday(days)
        self.nodes = [f"node{number:05}" for number in range(1, count + 1)]
        self.tasks = make_tasks(self.nodes, self.dates, seed)
        self._process = subprocess.Popen([simulation, "nodes", str(count), "0", "0", folder],
                                         stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        tasks = self.tasks
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                asked = parse_qs(urlsplit(self.path).query)
                stamps = [datetime.datetime.fromisoformat(asked[key][0] + "+00:00") for key in ("start_t", "end_t")]
                body = json.dumps(answer(tasks, *(int(stamp.timestamp()) for stamp in stamps))).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)
            def log_message(self, *_):
                pass
        self._api = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._api.serve_forever, daemon=True).start()

    def __enter__(self):
        if self._process.stdout.readline() != "ready\n":
            raise RuntimeError("the simulated cluster does not start")
        settings = (self.folder / "daily-gpu-log.toml").read_text()
        nodes, _ = settings.split("[management_api]")
        self.settings = (f'file_language = "en"\ntimezone = "{ZONE.key}"\n\n{nodes}[management_api]\n'
                         f'url = "http://127.0.0.1:{self._api.server_port}/"\ntoken_file = "{self.folder}/token"\n\n'
                         '[ledger]\nbusy_percent = 100\n')
        return self

    def __exit__(self, *_):
        self._process.stdin.close()      # it ends with its input
        self._process.wait(20)
        self._api.shutdown()
        self._api.server_close()

class Tree:
    """The figures of a data directory: the CSVs as they lie, and the tasks as the management API gave them."""
    def __init__(self, data, nodes, dates, tasks):
        self.data, self.nodes, self.dates, self.tasks = Path(data), nodes, dates, tasks

    def _csv(self, path):
        with open(path, newline="", encoding="utf-8") as file:
            return list(csv.DictReader(file))

    def readings(self):
        """(date, node, gpu, card, interval_end, gpu_percent, vram_percent), in order."""
        percent = lambda text: float(text) if text else None
        rows = []
        for date in self.dates:
            for node in self.nodes:
                for gpu, card in enumerate(CARDS):
                    file = self.data / node / date / f"gpu{gpu}_{date}.csv"
                    if file.exists():
                        rows += [(date, node, gpu, card, int(row["timestamp"]), percent(row["gpu_percent"]),
                                  percent(row["vram_percent"])) for row in self._csv(file)]
        return rows

    def usage(self):
        """The columns of the copies' `usage` but for `shard`, sorted."""
        names = {user if user[0] not in "=+-@" else f"'{user}": user for user in USERS}
        seconds = ["seconds", "active_seconds", "idle_vram_held_seconds", "idle_vram_empty_seconds",
                   "idle_vram_unknown_seconds", "unknown_seconds", "vram_observed_seconds"]
        mean = lambda text: None if text == "N/A" else float(text)
        rows = []
        for date in self.dates:
            for row in self._csv(self.data / "reports" / f"users_{date}.csv"):
                if row["kind"] in ("held", "free") and row["node"] in self.nodes:
                    rows.append((date, row["node"], row["kind"], names[row["user"]] if row["user"] else None,
                                 int(row["gpu"].removeprefix("GPU[").removesuffix("]")),
                                 *(int(row[name]) for name in seconds), mean(row["mean_gpu_percent"]),
                                 mean(row["mean_vram_percent"]), int(row["from_timestamp"]), int(row["to_timestamp"]),
                                 row["doubts"]))
        return sorted(rows, key=repr)

    def holdings(self):
        """(date, node, gpu, user_name, task, task_type, project, starts, ends), sorted."""
        rows = []
        starts = [midnight(date) for date in self.dates]
        for task in self.tasks:
            if task["node"] not in self.nodes:
                continue
            for place in range(max(0, bisect.bisect(starts, task["start"]) - 1), len(starts)):
                start, end = max(task["start"], starts[place]), min(task["end"], starts[place] + DAY)
                if start >= end:
                    continue
                rows += [(self.dates[place], task["node"], CARDS.index(card), task["user"], task["id"], task["type"],
                          task["project"], start, end) for card in task["cards"]]
        return sorted(rows, key=repr)

    def node_days(self):
        """(date, node, starts, ends, until, interval_seconds, timezone, task_information, readings, readings_due); a
        reading is one of both metrics."""
        found = collections.Counter((row[0], row[1]) for row in self.readings() if None not in row[5:])
        return [(date, node, midnight(date), midnight(date) + DAY, midnight(date) + DAY, 600, ZONE.key, "known",
                 found[date, node], 144 * len(CARDS)) for date in self.dates for node in self.nodes]

    def runs(self):
        """(date, exit_status, version, how many notices)."""
        for date in self.dates:
            run = json.loads((self.data / ".daily-gpu-log/runs" / f"{date}.json").read_text())["last_run"]
            yield date, run["exit_status"], run["version"], len(run["notices"])

    def gpu_days(self):
        """(date, node, gpu, card, gpu_percent, vram_percent, readings, readings_due)."""
        values = collections.defaultdict(lambda: ([], []))
        for *key, _, gpu, vram in self.readings():
            for of_metric, percent in zip(values[tuple(key)], (gpu, vram)):
                of_metric.append(percent)
        for key, (gpu, vram) in values.items():
            both = sum(None not in pair for pair in zip(gpu, vram))
            yield *key, mean(gpu), mean(vram), both, len(gpu)

    def user_days(self):
        """(date, user_name, gpu_hours, active_hours, idle_hours, unknown_hours, gpu_percent, vram_percent)."""
        sums = collections.defaultdict(lambda: [0] * 7)
        for date, _, kind, user, _, total, active, held, empty, unread, unknown, with_vram, gpu, vram, *_ in self.usage():
            if kind == "held":
                more = (total, active, held + empty + unread, unknown, (gpu or 0) * (total - unknown),
                        (vram or 0) * with_vram, with_vram)
                sums[date, user] = [sum(pair) for pair in zip(sums[date, user], more)]
        for key, (total, active, idle, unknown, gpu, vram, with_vram) in sums.items():
            yield (*key, *(seconds / 3600 for seconds in (total, active, idle, unknown)), gpu / (total - unknown),
                   vram / with_vram)

def mean(values):
    known = [value for value in values if value is not None]
    return math.fsum(known) / len(known) if known else None
