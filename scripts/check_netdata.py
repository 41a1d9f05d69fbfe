#!/usr/bin/env python3
"""Collects days from a real Netdata agent and compares every reading with what the agent was fed, and every line of
the program's `check` with what there is to say of that agent: three days from its samples, and one of which it has
lost the samples from the means of its minutes, by https.

usage: check_netdata.py BINARY

A test with a mock answers what we believe of Netdata; this one asks Netdata. An agent of its own, on loopback and a
free port, is given two days of history by fixtures/netdata/amdgpu_fake.plugin, whose values are another in every
second, with gaps and with a card that is renamed. The same functions say what each row of each file must be, so
nothing is taken from the program under test.
"""
import contextlib, csv, getpass, http.client, io, json, os, re, runpy, shutil, signal, socket, ssl
import subprocess, sys, tempfile, time
from datetime import datetime, timedelta, timezone
from fractions import Fraction
from functools import lru_cache
from itertools import zip_longest
from pathlib import Path
from types import SimpleNamespace
from zoneinfo import ZoneInfo

FIXTURES = Path(__file__).resolve().parent.parent / "fixtures" / "netdata"
NODE = "gpu-node-01"
STEP = 600
# 1.37.1 holds integers and two decimals below 100 exactly (24-bit mantissa, power of ten) and prints seven decimals.
# Measured on its per-second tier: 4e-8 (output line "precision"). A second counted to the wrong row changes nearly
# every row by more than the tolerance. Rows from the agent's 60 s tier, which it takes unasked where that tier covers
# the window, do NOT pass: each is a second off, and the first of a window holds a minute more.
TOLERANCE = 1e-5
# The sums of the 60 s tier are of 32 bits.
COARSE_TOLERANCE = 1e-4
MINUTE = 60
STORE_SECONDS = 120     # the back-fill takes 10 s on two cores
RUN_SECONDS = 60
SHOWN = 10              # differences printed for a file

# The plugin as a module. runpy, because an import wants a .py and leaves a cache between the fixtures.
fake = SimpleNamespace(**runpy.run_path(str(FIXTURES / "amdgpu_fake.plugin")))

# The feed, of which nothing is asked before main() says when it begins.
feed = SimpleNamespace(charts={}, renamed_at=None)
KINDS = ("gpu_utilization", "gpu_mem_vram_usage_perc")

def sampled(chart, after, until):
    return [t for t in range(max(after, chart["first"]) + 1, min(until, chart["last"]) + 1)
            if not fake.gap(chart["card"], t)]

@lru_cache(maxsize=None)
def of_chart(chart_id, stamp, is_first):
    """What the agent has in a row of a chart: the mean over the seconds of (stamp - STEP, stamp] that have a sample.

    It leaves the first sample after a gap out of the row's mean where the row before is empty, unless that is no row
    of the window (1.37.1 and 2.11 alike)."""
    chart = feed.charts[chart_id]
    seconds = sampled(chart, stamp - STEP, stamp)
    if seconds and not is_first and not sampled(chart, stamp - 2 * STEP, stamp - STEP):
        seconds = seconds[1:]
    total = sum(chart["value"](chart["card"], t) for t in seconds)
    return Fraction(total, len(seconds) * chart["div"]) if seconds else None

@lru_cache(maxsize=None)
def fed(card, stamp, is_first=False):
    """What a row must say of GPU and VRAM: nothing where two charts hold a part of it each."""
    def of_kind(kind):
        charts = [c["id"] for c in feed.charts.values() if c["card"] == card and c["kind"] == kind]
        values = [value for value in (of_chart(chart, stamp, is_first) for chart in charts) if value is not None]
        return values[0] if len(values) == 1 else None
    return tuple(map(of_kind, KINDS))

def fed_rows(card, stamps):
    return [fed(card, stamp, position == 0) for position, stamp in enumerate(stamps)]

@lru_cache(maxsize=None)
def coarse(card, stamp, is_first=False):
    """What a row of the means of minutes must say: the seconds of (stamp - STEP + 1, stamp + 1], in the first row of a
    window those of a minute more; or False where a gap or another chart begins or ends near it."""
    after, until = stamp - STEP + 1 - (MINUTE if is_first else 0), stamp + 1
    def of_kind(kind):
        charts = [c for c in feed.charts.values() if c["card"] == card and c["kind"] == kind]
        there = [c for c in charts if sampled(c, after - MINUTE, until + MINUTE)]
        if not there:
            return None
        seconds = sampled(there[0], after, until)
        if len(there) > 1 or len(sampled(there[0], after - MINUTE, until + MINUTE)) < until - after + 2 * MINUTE:
            return False
        return Fraction(sum(there[0]["value"](card, t) for t in seconds), len(seconds) * there[0]["div"])
    return tuple(map(of_kind, KINDS))

class Agent:
    """A Netdata agent in a directory, with the history of the fake plugin in its database."""
    def __init__(self, folder, start):
        self.folder, self.start, self.tls = folder, start, None
        for name in ("plugins", "cache", "lib", "log"):
            (folder / name).mkdir(parents=True)
        shutil.copy(FIXTURES / "amdgpu_fake.plugin", folder / "plugins")
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        conf = (FIXTURES / "netdata.conf").read_text()
        conf = conf.replace("@DIR@", str(folder)).replace("@PORT@", str(self.port)).replace("@USER@", getpass.getuser())
        self.conf = conf

    def begin(self, mode, certificate=None):
        """Starts it, by https alone if it has a certificate: `certificate`.pem and its key."""
        conf = self.conf
        if certificate:
            keys = f"[web]\n  ssl key = {certificate}.key\n  ssl certificate = {certificate}.pem\n"
            conf = conf.replace("[web]\n", keys)
            self.tls = ssl.create_default_context(cafile=f"{certificate}.pem")
        (self.folder / "netdata.conf").write_text(conf)
        # A session of its own: Ctrl-C reaches this script alone, which then stops the agent and its plugin together.
        with open(self.folder / "log" / "output.log", "ab") as output:
            self.process = subprocess.Popen(
                ["netdata", "-D", "-c", str(self.folder / "netdata.conf"), "-P", str(self.folder / "netdata.pid")],
                env={"PATH": os.environ["PATH"] + ":/usr/sbin", "FAKE_MODE": mode, "FAKE_T0": str(self.start),
                     "FAKE_RENAME": str(feed.renamed_at), "DO_NOT_TRACK": "1"},
                stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True)

    def end(self):
        """Stops it in good order, so that it keeps what it has."""
        self.process.terminate()
        self.process.wait(STORE_SECONDS)

    def forget_samples(self):
        """Deletes its per-second tier, as if that had been full since."""
        shutil.rmtree(self.folder / "cache" / "dbengine")

    def __enter__(self):
        self.begin("replay")
        return self

    def __exit__(self, *_):
        # Its database is thrown away, so nothing is lost by not letting it shut down in good order.
        with contextlib.suppress(ProcessLookupError):   # it is waited for where it was stopped
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def get(self, path):
        tls = self.tls
        connection = (http.client.HTTPSConnection("127.0.0.1", self.port, timeout=10, context=tls) if tls else
                      http.client.HTTPConnection("127.0.0.1", self.port, timeout=10))
        with contextlib.closing(connection):
            connection.request("GET", path)
            answer = connection.getresponse()
            return json.load(answer) if answer.status == 200 else None

    def rows(self, after, before, tier=""):
        points = (before - after) // STEP
        answer = self.get("/api/v1/data?context=amdgpu.gpu_utilization%7Camdgpu.gpu_mem_vram_usage_perc"
                          f"&after={after}&before={before}&points={points}&group=average&format=json"
                          f"&options=unaligned%7Cjsonwrap%7Cflip{tier}")
        return answer if answer and len(answer["chart_ids"]) == len(feed.charts) else None

    def stored(self, last):
        """The largest difference between the feed and the agent's own rows up to `last`, or None while rows lack."""
        answer = self.rows(self.start, last, "&tier=0")
        if not answer:
            return None
        worst = 0.0
        for column, chart in enumerate(answer["chart_ids"], 1):
            for number, row in enumerate(answer["result"]["data"]):
                want, got = of_chart(chart, row[0], number == 0), row[column]
                if (want is None) != (got is None):
                    return None
                worst = max(worst, abs((got or 0) - float(want or 0)))
        return worst if self.lists_all() else None

    def lists_all(self):
        """Whether the agent's list of charts has every card: it is kept apart from the samples, and comes later."""
        for context in ("gpu_utilization", "gpu_mem_vram_usage_perc"):
            answer = self.get(f"/api/v1/context?context=amdgpu.{context}&options=charts")
            if not answer or 2 * len(answer.get("charts", {})) != len(feed.charts):
                return False
        return True

    def has_whole(self, after, before):
        """Whether it answers for the whole time, from whichever tier, and lists its charts."""
        whole = next(chart["id"] for chart in feed.charts.values() if chart["card"] == fake.CARDS[0])
        answer = self.rows(after, before)
        return bool(answer) and self.lists_all() and all(
            row[1 + answer["chart_ids"].index(whole)] is not None for row in answer["result"]["data"])

    def wait(self, last):
        """Until the database holds the feed: a later difference is the program's, not the agent's or the plugin's."""
        worst = None
        def is_stored():
            nonlocal worst
            worst = self.stored(last)
            return worst is not None and worst <= TOLERANCE
        if self.comes_to(is_stored):
            return worst
        for log in (self.folder / "log" / name for name in ("output.log", "error.log")):
            print(f"--- {log.name}", *(log.read_text().splitlines()[-25:] if log.exists() else ()), sep="\n")
        sys.exit(f"the agent does not hold the feed after {STORE_SECONDS} s (exit status {self.process.poll()}, "
                 f"largest difference {worst}); it must be a 1.37 or 1.38, which let a plugin write history")

    def comes_to(self, state):
        deadline = time.monotonic() + STORE_SECONDS
        while time.monotonic() < deadline and self.process.poll() is None:
            with contextlib.suppress(OSError, http.client.HTTPException):
                if state():
                    return True
            time.sleep(0.5)
        return False

class Check:
    """Counts what was compared, and prints what differs."""
    def __init__(self):
        self.passed = self.failed = self.collections = self.files = self.rows = 0

    def judge(self, name, problems):
        self.failed, self.passed = self.failed + bool(problems), self.passed + (not problems)
        more = [f"and {len(problems) - SHOWN} more"] if len(problems) > SHOWN else []
        print(f"{'FAIL' if problems else 'ok'}  {name}", *problems[:SHOWN], *more, sep="\n      ")

    def gpu_csv(self, name, text, card, stamps, zone, is_coarse):
        header, *lines = text.removesuffix("\n").split("\n")
        problems = [] if text.endswith("\n") else [f"{name}: the last line does not end with \\n"]
        if header != "時間戳,日期時間,GPU使用率(%),VRAM使用率(%)":
            problems.append(f"{name} header: got {header!r}")
        if len(lines) != len(stamps):
            problems.append(f"{name}: expected {len(stamps)} rows, got {len(lines)}, {lines[:1]} to {lines[-1:]}")
        for number, (stamp, line) in enumerate(zip(stamps, lines), 2):
            self.rows += 1
            prefix = f'{stamp},"{datetime.fromtimestamp(stamp, zone):%Y-%m-%d %H:%M:%S}",'
            want = (coarse if is_coarse else fed)(card, stamp, number == 2)
            tolerance = COARSE_TOLERANCE if is_coarse else TOLERANCE
            fields = line[len(prefix):].split(",")
            if not line.startswith(prefix) or len(fields) != 2 or not all(same(*pair, tolerance) for pair in zip(fields, want)):
                wanted = ",".join("" if value is None else "any" if value is False else f"{float(value):.7f}" for value in want)
                problems.append(f"{name} line {number}: expected {prefix}{wanted} got {line}")
        self.files += 1
        self.judge(name, problems)

    def average_csv(self, name, text, stamps):
        means = [[mean([row[kind] for row in fed_rows(card, stamps)]) for kind in (0, 1)] for card in fake.CARDS]
        # The means of the means as they are, and as they stand in the file: the old program's is either.
        want = [(f"GPU[{index}]", *({value} for value in pair)) for index, pair in enumerate(means)]
        want.append(("全部平均", *({mean(column), mean([round(v, 2) for v in column])} for column in zip(*means))))
        rows = list(csv.reader(io.StringIO(text)))
        problems = []
        header = ["GPU編號", "平均GPU使用率(%)", "平均VRAM使用率(%)", "使用者"]
        if rows[:1] != [header] or len(rows) != 1 + len(want):
            problems.append(f"{name}: expected the header and {len(want)} rows, got {rows[:1]} and {len(rows) - 1}")
        for number, ((label, *values), row) in enumerate(zip(want, rows[1:]), 2):
            if len(row) != 4 or row[0] != label or not all(map(rounded, row[1:3], values)):
                wanted = " ".join("/".join(f"{float(v):.4f}" for v in value) for value in values)
                problems.append(f"{name} line {number}: expected {label} {wanted} to two decimals, got {','.join(row)}")
        self.judge(name, problems)

    def collection(self, binary, folder, settings, date, zone_name, stamps, arguments, is_coarse=False):
        """One run of the program into an empty directory, and all that it wrote."""
        before = self.failed
        data = folder / (zone_name.replace("/", "-") + "-coarse" * is_coarse)
        command = [binary, "--config", str(settings), "--data-dir", str(data), "--skip-task-info", *arguments]
        # No proxy between us and loopback, and a zone of the machine that is none of those asked for.
        env = {"PATH": os.environ["PATH"], "HOME": str(folder), "LANG": "C.UTF-8", "TZ": "Pacific/Marquesas"}
        try:
            run = subprocess.run(command, env=env, cwd=folder, timeout=RUN_SECONDS, stdin=subprocess.DEVNULL,
                                 stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace")
            status, output = run.returncode, run.stdout
        except (OSError, subprocess.TimeoutExpired) as error:
            status, output = None, f"{error}\n{getattr(error, 'stdout', None) or ''}"
        # Gaps lower a card's coverage, they are not an error: the gaps of the feed are on every day.
        self.judge(f"{zone_name} {date}: exit status", [f"expected 0, got {status}"] if status != 0 else [])
        self.collections += status is not None
        at = feed.renamed_at + STEP - (feed.renamed_at - stamps[0]) % STEP
        named = (f"警告：{NODE} 有 2 筆讀數剛好遇到圖表因 GPU 的產品名稱改變而換新，新舊圖表各只有一部分，已視為缺漏"
                 f"（例如 Card {fake.RENAMED_CARD} 在 {datetime.fromtimestamp(at, ZoneInfo(zone_name)):%Y-%m-%d %H:%M:%S} 的 GPU）")
        warnings = [line for line in output.splitlines() if line.startswith(("警告", "錯誤"))]
        self.judge(f"{zone_name} {date}: the renamed card", [f"{a!r} for {b!r}" for a, b in zip_longest(
            warnings, [named] if at in stamps else []) if a != b])
        tree = data / NODE / date
        gpu_files = {f"gpu{index}_{date}.csv": card for index, card in enumerate(fake.CARDS)}
        average = f"average_{date}.csv"
        want = {f"{NODE}/{date}/{name}" for name in (*gpu_files, average, f"summary_{date}.txt")}
        got = {str(p.relative_to(data)) for p in data.rglob("*") if p.is_file()}
        got = {name for name in got if not name.startswith(".daily-gpu-log/")}      # the program's own state
        self.judge(f"{zone_name} {date}: files", [f"missing: {name}" for name in sorted(want - got)]
                   + [f"not expected: {name}" for name in sorted(got - want)])
        for name in (*gpu_files, average):
            if (tree / name).is_file():     # else it has been reported as missing
                text, title = (tree / name).read_bytes().decode(errors="replace"), f"{zone_name} {name}"
                if name != average:
                    self.gpu_csv(title, text, gpu_files[name], stamps, ZoneInfo(zone_name), is_coarse)
                elif not is_coarse:     # there are rows of which the mean is not known
                    self.average_csv(title, text, stamps)
        if self.failed > before:
            print("--- the program's output", " ".join(command), output, "---", sep="\n")

    def live(self, binary, folder, settings):
        """One object of `live`: of every card now what was fed lately, and of the last hour what was fed in it."""
        command = [binary, "live", "--json", "--config", str(settings)]
        env = {"PATH": os.environ["PATH"], "HOME": str(folder), "LANG": "C.UTF-8", "TZ": "Pacific/Marquesas"}
        # Both charts of the renamed card have a few live samples after the start of the agent, and for so long no reading.
        for _ in range(8):
            before = int(time.time())
            run = subprocess.run(command, env=env, cwd=folder, timeout=RUN_SECONDS, stdin=subprocess.DEVNULL,
                                 stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, errors="replace")
            after = int(time.time())
            node = (json.loads(run.stdout or "{}").get("nodes") or [{}])[0]
            if all(gpu["gpu_percent"] is not None for gpu in node.get("gpus", [])):
                break
            time.sleep(2)
        problems = [] if run.returncode == 3 else [f"expected exit status 3 without a token, got {run.returncode}"]
        problems += [f"{key}: got {value!r}" for key, value in (
            ("node", node.get("name") == NODE or node.get("name")), ("problem", node.get("problem") is None or node["problem"]),
            ("holding", {gpu["holding"] for gpu in node.get("gpus", [])} == {"unknown"})) if value is not True]
        gpus = {gpu["card"]: gpu for gpu in node.get("gpus", [])}
        if tuple(gpus) != tuple(fake.CARDS):
            problems.append(f"cards: got {list(gpus)}")
        for card, gpu in gpus.items():
            for key, value, div in (("gpu_percent", fake.util, 1), ("vram_percent", fake.vram, fake.VRAM_DIVISOR)):
                # What comes by BEGIN/SET/END the agent interpolates, and stamps up to a second off: the mean of ten
                # seconds is within the means of any nine to eleven of those around it.
                fed_at = [value(card, t) / div for t in range(before - 14, after + 2)]
                means = [sum(fed_at[i:i + n]) / n for n in (8, 9, 10, 11) for i in range(len(fed_at) - n + 1)]
                if gpu[key] is None or not min(means) - 6 <= gpu[key] <= max(means) + 6:
                    problems.append(f"card {card} {key}: got {gpu[key]}, fed {min(means):.1f} to {max(means):.1f}")
            if len(gpu["hour_percent"]) != 12 or gpu["is_old"]:
                problems.append(f"card {card}: got {gpu['hour_percent']}, is_old {gpu['is_old']}")
            # The last row holds the seconds of the back-fill itself, and each may end a second or two later.
            for number, got in enumerate(gpu["hour_percent"][:-1]):
                ends = [t - 300 * (11 - number) for t in range(before - 2, after + 1)]
                rows = [[fake.util(card, t) for t in range(end - 299, end + 1) if not fake.gap(card, t)] for end in ends]
                wants = [sum(row) / len(row) if row else None for row in rows]
                if got is None and None in wants or got is not None and any(
                        want is not None and abs(got - want) <= 1 for want in wants):
                    continue
                problems.append(f"card {card} row {number} of the hour: got {got}, fed {wants}")
        self.judge("live --json: now, and the last hour", problems + ([f"stderr: {run.stderr}"] if problems else []))

    def check_command(self, binary, folder, agent, version, path):
        """One run of the program's `check` against the agent, of which every line is known beforehand."""
        settings, data = folder / "check.toml", folder / "check"
        url = f"http://127.0.0.1:{agent.port}{path}"
        settings.write_text(f'[[nodes]]\nname = "{NODE}"\nurl = "{url}"\n')
        command = [binary, "check", "--config", str(settings), "--data-dir", str(data), "--skip-task-info"]
        env = {"PATH": os.environ["PATH"], "HOME": str(folder), "LANG": "C.UTF-8", "TZ": "Pacific/Marquesas"}
        until = None
        while until != (until := last_checked()):       # so that it is known which row the run asked for last
            run = subprocess.run(command, env=env, cwd=folder, timeout=RUN_SECONDS, stdin=subprocess.DEVNULL,
                                 stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace")
        got = [re.sub(r"(，可用空間) .*", r"\1", line) for line in run.stdout.splitlines()]

        clock = lambda stamp: f"{datetime.fromtimestamp(stamp, timezone.utc):%Y-%m-%d %H:%M:%S}"
        date = clock(until - 1)[:10]
        due = day_stamps(date, "UTC", until)
        # A card whose last interval has no sample is taken for dead, as the feed makes some look at some hours.
        rows = {card: dict(zip(due, fed_rows(card, due))) for card in fake.CARDS}
        silent = [card for card in fake.CARDS if rows[card][until][0] is None]
        last = {card: max((stamp for stamp in due if rows[card][stamp][0] is not None), default=None) for card in silent}
        begins = {card: next(t for t in range(agent.start + 1, until) if not fake.gap(card, t)) for card in fake.CARDS}
        card, first = max(begins.items(), key=lambda item: item[1])
        tenths = (until - first) * 10 // 86400
        facts = [f"Netdata {version}（主機 {NODE}）", "時鐘未知（回應的 Date 是 parent 的）" if path else "時鐘一致"]
        facts += [] if silent else ["8 張卡都在收集"]
        facts += [f"資料從 {clock(first)} 起"] if tenths >= 20 else []
        want = [f"正常：設定檔 {settings}：1 個節點、8 張 GPU，一天的時區是 UTC",
                f"正常：資料目錄 {data}：尚未建立，第一次收集時會建立，可用空間",
                f"正常：節點 {NODE}（{url}）：" + "，".join(facts)]
        if silent:
            cards = "、".join(f"Card {card}（" + (f"最後的讀數在 {clock(last[card])}" if last[card] else f"{date} 沒有讀數") + "）"
                             for card in silent)
            want.append(f"錯誤：節點 {NODE} 已停止收集 {cards}：若 GPU 正常，請重新啟動該節點的 Netdata")
        if tenths < 20:
            want.append(f"警告：節點 {NODE} 只有 {tenths // 10}.{tenths % 10} 天的資料（Card {card} 從 {clock(first)} 起）："
                        "不到 2 天，某晚失敗後就補不回來。若不是剛開始收集，請延長該節點 Netdata 的資料保留期")
        errors, warnings = int(bool(silent)), int(tenths < 20)
        end = "收集的結果會不完整，或會失敗" if errors else "可以收集，但請查看警告" if warnings else "可以收集"
        want.append(f"完成：{len(want)} 項檢查中 {errors} 項錯誤、{warnings} 項警告，{end}")
        problems = [f"expected {a!r}, got {b!r}" for a, b in zip_longest(want, got) if a != b]
        if run.returncode != (wanted := 3 if silent else 0):
            problems.append(f"expected exit status {wanted}, got {run.returncode}")
        if data.exists():
            problems.append(f"{data} was made")
        self.judge(f"check {path or 'of the agent itself'}", problems)

    def encrypted(self, binary, folder, agent, date, stamps):
        """The agent with a certificate and without samples of the day: what is said of either, and the day by minutes."""
        good, documented = folder / "good", folder / "documented"
        make_certificate(good, "-addext", "basicConstraints=critical,CA:FALSE", "-addext", "subjectAltName=IP:127.0.0.1")
        make_certificate(documented)
        agent.begin("live", good)
        if not agent.comes_to(lambda: agent.has_whole(stamps[0] - STEP, stamps[-1])):
            sys.exit("the agent does not answer by https, or not for the day whose samples it lost")
        https, settings = f"https://127.0.0.1:{agent.port}", folder / "https.toml"
        def write(url, ca_file=None):
            key = f'[netdata]\nca_file = "{ca_file}.pem"\n' if ca_file else ""
            settings.write_text(f'[[nodes]]\nname = "{NODE}"\nurl = "{url}"\n{key}')
        def refused(name, said):
            command = [binary, "--config", str(settings), "--data-dir", str(folder / "none"), "--skip-task-info", date]
            env = {"PATH": os.environ["PATH"], "HOME": str(folder), "LANG": "C.UTF-8"}
            run = subprocess.run(command, env=env, cwd=folder, timeout=RUN_SECONDS, stdin=subprocess.DEVNULL,
                                 stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace")
            problems = [f"no {said!r} in {run.stdout!r}"] if said not in run.stdout else []
            self.judge(name, problems + ([f"expected exit status 1, got {run.returncode}"] if run.returncode != 1 else []))
        write(https.replace("https", "http"))
        refused("http to an agent with a certificate", "（這裡只接受 https：請將 url 的 http 改為 https）")
        write(https)
        refused("a certificate that nobody speaks for", "invalid peer certificate: UnknownIssuer（不認得憑證的簽發者")
        write(https, documented)
        refused("a certificate that was made anew", "invalid peer certificate: BadSignature（不認得憑證的簽發者")
        write(https.replace("127.0.0.1", "localhost"), good)
        refused("a certificate of another name", "（憑證的 subjectAltName 沒有 url 中的名稱或位址")
        write(https, good)
        self.collection(binary, folder, settings, date, "UTC", stamps, [date], is_coarse=True)
        agent.end()
        agent.begin("live", documented)
        # Its certificate is not checked by this script, which only waits for the port.
        agent.tls = ssl._create_unverified_context()
        if not agent.comes_to(lambda: agent.get("/api/v1/info")):
            sys.exit("the agent does not answer with the documented certificate")
        write(https, documented)
        refused("the certificate of Netdata's documentation", "CaUsedAsEndEntity))（這是 CA 的憑證，不能直接當作伺服器的憑證")

def make_certificate(path, *more):
    """As the manual's topic `settings` says, or without `more` as Netdata's documentation does."""
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-sha256", "-days", "30",
                    "-subj", f"/CN={NODE}", *more, "-keyout", f"{path}.key", "-out", f"{path}.pem"],
                   check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

def same(text, want, tolerance):
    """A number as Netdata prints it (at most seven decimals, no trailing zeros), or an empty field for a gap."""
    if want is None:
        return text == ""
    is_number = bool(re.fullmatch(r"\d+(\.\d{0,6}[1-9])?", text))
    return text == "" or is_number if want is False else is_number and abs(float(text) - float(want)) <= tolerance

def rounded(text, wants):
    """Two decimals, the nearest to one of `wants`; what lies within the tolerance of a tie may go either way."""
    two_decimals = re.fullmatch(r"\d+\.\d\d", text)
    return bool(two_decimals) and any(abs(float(text) - float(want)) <= 0.005 + TOLERANCE for want in wants)

def mean(values):
    there = [value for value in values if value is not None]
    return sum(there) / len(there)

def day_stamps(date, zone_name, until):
    """The rows due of a day: its intervals that have ended."""
    start = datetime.fromisoformat(date).replace(tzinfo=ZoneInfo(zone_name))
    first, end = int(start.timestamp()), int((start + timedelta(days=1)).timestamp())
    return range(first + STEP, min(end, until) + 1, STEP)

def ended():
    return (int(time.time()) - 1) // STEP * STEP

def last_checked():
    """The last row that `check` asks for: it leaves clocks a minute, which may be off by so much."""
    return (int(time.time()) - 61) // STEP * STEP

def main():
    if len(sys.argv) != 2 or not os.access(sys.argv[1], os.X_OK):
        sys.exit("usage: check_netdata.py BINARY (build it first: cargo build --release)")
    binary = os.path.abspath(sys.argv[1])
    for number in (signal.SIGINT, signal.SIGTERM):      # to leave through the agent's __exit__
        signal.signal(number, lambda number, _: sys.exit(128 + number))
    # The feed is exact up to the plugin's start: no interval may end between that and the last collection.
    if not 2 <= (age := time.time() % STEP) < STEP - STORE_SECONDS / 2:
        print(f"waiting {(2 - age) % STEP:.0f} s for an interval to end", flush=True)
        time.sleep((2 - age) % STEP)
    check, now = Check(), datetime.now(timezone.utc)
    today = now.replace(hour=0, minute=0, second=0, microsecond=0)
    yesterday = f"{today - timedelta(days=1):%Y-%m-%d}"
    with tempfile.TemporaryDirectory(prefix="check-netdata-", ignore_cleanup_errors=True) as name:
        folder, last = Path(name), ended()
        start = int((today - timedelta(days=2)).timestamp())
        # Yesterday at 10:05:30 UTC, within a row of both whole days that are collected.
        feed.renamed_at = start + 86400 + 10 * 3600 + 330
        feed.charts.update((chart["id"], {**chart, "first": max(chart["first"], start)})
                           for chart in fake.charts(feed.renamed_at))
        with Agent(folder / "agent", start) as agent:
            print(f"precision of the agent's own rows: {agent.wait(last):.1e}")
            version = agent.get("/api/v1/info")["version"]
            settings = folder / "settings.toml"
            settings.write_text(f'[[nodes]]\nname = "{NODE}"\nurl = "http://127.0.0.1:{agent.port}"\n')
            # Kathmandu, 05:45 ahead: midnight is no multiple of ten minutes of UTC, where Netdata's own grid would lie.
            for zone, arguments in (("UTC", []), ("Asia/Kathmandu", ["--timezone", "Asia/Kathmandu"])):
                whole = day_stamps(yesterday, zone, last)
                check.collection(binary, folder, settings, yesterday, zone, whole, [*arguments, yesterday])
            # Today, in the whole-hour zone where it is just past noon now (13:00 rather than UTC itself): at any
            # hour half a day is due, the other half is in the future, and all of the day before is in the database.
            ahead = 12 - now.hour or 1
            zone = f"Etc/GMT{-ahead:+d}"                           # the sign of these zones is the reverse of ISO's
            date = f"{datetime.now(ZoneInfo(zone)):%Y-%m-%d}"
            check.collection(binary, folder, settings, date, zone, due := day_stamps(date, zone, last), ["--timezone", zone])
            for path in ("", f"/host/{NODE}"):
                check.check_command(binary, folder, agent, version, path)
            check.live(binary, folder, settings)
            check.judge("no interval ended during the check", [] if ended() == last else ["too slow: run it again"])
            agent.end()
            agent.forget_samples()
            check.encrypted(binary, folder, agent, yesterday, day_stamps(yesterday, "UTC", last))
    rows = len(fake.CARDS) * (144 + 144 + len(due) + 144)
    check.judge("everything was compared", [] if (check.collections, check.files, check.rows) == (4, 32, rows)
                and len(due) >= 72 else [f"expected 4 collections, 32 files, {rows} rows"])
    done = f"{check.collections} collections, {check.files} files, {check.rows} rows"
    print(f"netdata check: {done} compared with agent {version}")
    print(f"{check.passed} passed, {check.failed} failed")
    return 1 if check.failed else 0

if __name__ == "__main__":
    sys.exit(main())
