#!/usr/bin/env python3
"""Runs the program on damaged input for a while: both JSON answers, the settings, its own state and earlier files.

usage: scripts/fuzz.py BINARY [SECONDS] [SEED]

Whatever it reads, it must end by itself in a documented way, without a panic, and no reading that an earlier run wrote
may be lost: it stays in its file, has a newer value, or its file is set aside whole.
"""
import csv
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from datetime import datetime, timedelta, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

BINARY = os.path.abspath(sys.argv[1])
SECONDS = float(sys.argv[2]) if len(sys.argv) > 2 else 60
SEED = int(sys.argv[3]) if len(sys.argv) > 3 else random.randrange(2**32)
STATUSES = {0, 1, 2, 3, 10}
NODE, CARDS = "n1", (1, 9)
DATE = (datetime.now(timezone.utc) - timedelta(days=1)).strftime("%Y-%m-%d")
MIDNIGHT = int(datetime.fromisoformat(DATE + "T00:00:00+00:00").timestamp())
CONTEXTS = ("amdgpu.gpu_utilization", "amdgpu.gpu_mem_vram_usage_perc")
# What parsers stumble over.
TOKENS = [b"null", b"NaN", b"-Infinity", b"1e999", b"-1", b"18446744073709551616", b"0.1e-400", b"[]", b"{}", b'""', b"[[", b"}",
          b'"', b"\\", b"\\u0000", b"\\ud800", b"\xff\xfe", b"\x00", b"\n", b"\r", b",", b";", b"\xe2\x80\xae", b"../..",
          b"9" * 400, b"[" * 3000, b"a" * 5000]


def node_answer(generator):
    charts = [(context, card) for context in CONTEXTS for card in CARDS]
    rows = [[MIDNIGHT + 600 * n] + [generator.randrange(101) for _ in charts] for n in range(1, 145)]
    return json.dumps({"chart_ids": [f"{context}_unknown AMD GPU_card{card}" for context, card in charts],
                       "result": {"labels": ["time"] + ["x" for _ in charts], "data": rows}}).encode()


def tasks_answer(generator):
    def gmt(stamp):
        return datetime.fromtimestamp(stamp, timezone.utc).strftime("%a, %d %b %Y %H:%M:%S GMT")
    tasks = {}
    for number in range(generator.randrange(1, 6)):
        start = MIDNIGHT + generator.randrange(80000)
        tasks[str(number)] = {
            "username": generator.choice(["alice", "bob", "王小明"]), "hostname": NODE, "flavor": {"gpu": 1},
            "gpus": [{"id": generator.choice(CARDS), "uuid": "APU-70cb99ce3e214bda", "name": "x", "memory": 196592}],
            "task": {"_type": "LAB", "project_uuid": "p"}, "start": gmt(start), "end": generator.choice([None, gmt(start + 600)]),
            "total_seconds": 600.0}
    return json.dumps(tasks).encode()


def damaged(data, generator):
    data = bytearray(data)
    for _ in range(generator.choice([1, 1, 2, 5])):
        at = generator.randrange(len(data) + 1)
        end = min(len(data), at + generator.choice([1, 2, 8, 100, 5000]))
        action = generator.randrange(6)
        if action == 0:
            data[at:end] = b""
        elif action == 1:
            data[at:at] = generator.choice(TOKENS)
        elif action == 2:
            data[at:end] = generator.choice(TOKENS)
        elif action == 3 and at < len(data):
            data[at] ^= 1 << generator.randrange(8)
        elif action == 4:
            data[at:at] = data[at:end] * generator.choice([1, 3])
        else:
            del data[at:]
    return bytes(data)


class Answers(BaseHTTPRequestHandler):
    node = tasks = b""

    def do_GET(self):
        body = Answers.node if "/api/v1/data" in self.path else Answers.tasks if "/tasks" in self.path else b"{}"
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def readings(directory):
    """The stamps with a reading in each GPU file that is in its place."""
    found = {}
    for path in directory.glob(f"{NODE}/{DATE}/gpu*_{DATE}.csv"):
        with open(path, newline="", encoding="utf-8") as file:
            found[path.name] = {(row[0], column) for row in list(csv.reader(file))[1:] for column in (2, 3) if row[column]}
    return found


def main():
    generator = random.Random(SEED)
    server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_address[1]}"
    settings = (f'data_dir = "data"\n[netdata]\nretries = 0\ntimeout = "5s"\n[management_api]\nurl = "{url}/tasks"\ntoken_file = "token"\n'
                f'[[nodes]]\nname = "{NODE}"\nurl = "{url}"\ncards = [1, 9]\n').encode()
    root = Path(tempfile.mkdtemp(prefix="daily-gpu-log-fuzz."))
    problems, runs, until = [], 0, time.monotonic() + SECONDS

    def run(*arguments):
        return subprocess.run([BINARY, "--config", "settings.toml", *arguments], cwd=root, capture_output=True, timeout=30)

    def restore():
        shutil.rmtree(root / "data", ignore_errors=True)
        shutil.copytree(root / "good", root / "data")
        (root / "settings.toml").write_bytes(settings)
        Answers.node, Answers.tasks = node_answer(generator), tasks_answer(generator)

    (root / "token").write_text("fuzz\n")
    (root / "token").chmod(0o600)
    (root / "settings.toml").write_bytes(settings)
    Answers.node, Answers.tasks = node_answer(generator), tasks_answer(generator)
    first = run(DATE)
    assert first.returncode in (0, 3) and len(readings(root / "data")) == len(CARDS), first
    (root / "data").rename(root / "good")
    before = readings(root / "good")
    while time.monotonic() < until and len(problems) < 5:
        restore()
        target = generator.choice(["node", "node", "tasks", "tasks", "settings", "file", "file"])
        damage = b""
        if target == "node":
            damage = Answers.node = damaged(Answers.node, generator)
        elif target == "tasks":
            damage = Answers.tasks = damaged(Answers.tasks, generator)
        elif target == "settings":
            damage = damaged(settings, generator)
            (root / "settings.toml").write_bytes(damage)
        else:
            path = generator.choice(sorted(path for path in (root / "data").rglob("*") if path.is_file()))
            target, damage = str(path.relative_to(root)), damaged(path.read_bytes(), generator)
            path.write_bytes(damage)
        command = generator.choice([[DATE], [DATE], [DATE], ["users", DATE], ["status"], ["alerts", DATE]])
        if target == "settings":
            # Settings may name other servers and places: nothing is collected by them.
            command = ["config", "show"]
        runs += 1
        try:
            ended = run(*command)
            said = ended.stderr.decode(errors="replace")
            why = "" if ended.returncode in STATUSES else f"status {ended.returncode}"
            why = why or ("a panic" if "panicked" in said or "內部錯誤" in said else "")
        except subprocess.TimeoutExpired:
            said, why = "", "did not end"
        if not why and "data/" not in target:
            lost = {name: stamps - readings(root / "data").get(name, set()) for name, stamps in before.items()}
            why = f"lost readings {sum(map(len, lost.values()))}" if any(lost.values()) else ""
        elif not why and not (root / target).exists():
            why = f"{target} is gone"
        if why:
            problems.append(why)
            kept = Path(tempfile.gettempdir()) / f"fuzz-{SEED}-{runs}"
            kept.write_bytes(damage)
            print(f"FAIL  run {runs} of seed {SEED}: {' '.join(command)} with damaged {target} ({kept}): {why}\n{said[:2000]}")
    shutil.rmtree(root)
    print(f"fuzz: {runs} runs of seed {SEED}, {len(problems)} problems")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
