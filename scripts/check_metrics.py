#!/usr/bin/python3
"""Feeds the metrics file to a real node_exporter and compares what is scraped with the run's own figures.

usage: check_metrics.py BINARY

Two parsers that are not ours read the file: the strict one of OpenMetrics in python3-prometheus-client, and that of
node_exporter, which runs as nobody and so must be let read the file as well.
"""
import contextlib, http.client, json, os, pwd, socket, subprocess, sys, tempfile, time
from pathlib import Path

from prometheus_client.openmetrics.parser import text_string_to_metric_families as open_metrics
from prometheus_client.parser import text_string_to_metric_families as older_text

NODES = 3
START_SECONDS = 20
RUN_SECONDS = 60
OURS = "daily_gpu_log_"
COLLECTOR = "node_textfile_"

class Failed(Exception):
    """A check that failed."""

def check(condition, *told):
    if not condition:
        raise Failed(*told)

def samples(families, prefix):
    """The values by name and labels."""
    found = {}
    for family in families:
        for sample in family.samples:
            if sample.name.startswith(prefix):
                key = sample.name, tuple(sorted(sample.labels.items()))
                check(key not in found, "twice", key)
                check(sample.timestamp is None, "a time beside the value", key)
                found[key] = sample.value
    return found

def one(found, name, **labels):
    return found.get((OURS + name, tuple(sorted(labels.items()))))

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

@contextlib.contextmanager
def exporter(directory):
    """node_exporter with nothing but the textfile collector. Yields a function that scrapes it."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    # Whoever may, runs it as somebody else, as on a real machine.
    other = {"user": "nobody", "group": pwd.getpwnam("nobody").pw_gid, "extra_groups": []} if os.geteuid() == 0 else {}
    process = subprocess.Popen(
        ["prometheus-node-exporter", f"--web.listen-address=127.0.0.1:{port}", "--collector.disable-defaults",
         "--collector.textfile", f"--collector.textfile.directory={directory}"],
        stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd="/", **other)
    def scrape():
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", port, timeout=10)) as connection:
            connection.request("GET", "/metrics")
            answer = connection.getresponse()
            check(answer.status == 200, "node_exporter answers", answer.status)
            return list(older_text(answer.read().decode()))
    try:
        until = time.monotonic() + START_SECONDS
        while True:
            check(process.poll() is None, "node_exporter ended with", process.returncode)
            try:
                scrape()
                break
            except ConnectionError:
                check(time.monotonic() < until, "node_exporter does not listen")
                time.sleep(0.05)
        yield scrape
    finally:
        process.terminate()
        process.wait(START_SECONDS)

def run(binary, folder, file, status):
    """Runs the program under cron's strictest umask, and answers its own result."""
    done = subprocess.run(
        [binary, "--config", folder / "daily-gpu-log.toml", "--data-dir", folder / "data", "--metrics-file", file,
         "--json", "yesterday"],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=RUN_SECONDS, umask=0o077)
    check(done.returncode == status, "the program ended with", done.returncode, done.stderr.decode())
    return json.loads(done.stdout)

def of_report(report, earlier):
    """The samples about the day that must be there, worked out from the run's JSON. A node that failed has the readings
    of the run before."""
    kept = {node["name"]: node for node in earlier["nodes"]} if earlier else {}
    expected = {(OURS + "day_start_timestamp_seconds", ()): report["window"]["start"],
                (OURS + "last_run_exit_status", ()): report["exit_status"],
                (OURS + "build_info", (("version", report["version"]),)): 1}
    def figures(kind, names, labels, of):
        labels = tuple(sorted(labels.items()))
        values = {f"{kind}_readings": of["readings"], f"{kind}_readings_due": of["readings_due"],
                  f"{kind}_coverage_ratio": of["readings"] / of["readings_due"]}
        for metric, name in names.items():
            if of["mean_percent"][metric] is not None:
                values[name] = of["mean_percent"][metric] / 100
        expected.update({(OURS + name, labels): value for name, value in values.items()})
    for node in report["nodes"]:
        labels = {"node": node["name"]}
        expected[OURS + "node_written", tuple(labels.items())] = int(node["written"])
        if node["written"]:
            figures("node", {"gpu": "node_gpu_utilization_mean_ratio", "vram": "node_vram_usage_mean_ratio"}, labels, node)
        elif node["name"] in kept:
            figures("node", {}, labels, kept[node["name"]])
        for gpu in node.get("gpus", []):
            labels = {"node": node["name"], "gpu": str(gpu["index"]), "card": str(gpu["card"])}
            figures("gpu", {"gpu": "gpu_utilization_mean_ratio", "vram": "gpu_vram_usage_mean_ratio"}, labels, gpu)
    return expected

def compare(found, expected, what):
    check(found.keys() == expected.keys(), what, "differs in", sorted(found.keys() ^ expected.keys())[:5])
    for key, value in expected.items():
        # A ratio is a percentage by 100, which may cost the last bit.
        check(abs(found[key] - value) <= 1e-12 * abs(value), what, key, "is", found[key], "and not", value)

def check_run(report, file, scrape, is_success, earlier=None):
    """Compares the file, what is scraped and the run's JSON. Answers the samples."""
    written = list(open_metrics(file.read_text()))
    check(all(family.type == "gauge" for family in written), "not a gauge")
    in_file = samples(written, OURS)
    scraped = scrape()
    compare(samples(scraped, OURS), in_file, "what node_exporter serves")
    help_of = lambda families: {f.name: f.documentation for f in families if f.name.startswith(OURS)}
    check(help_of(scraped) == help_of(written), "the help differs")
    about = samples(scraped, COLLECTOR)
    check(about[COLLECTOR + "scrape_error", ()] == 0, "node_exporter could not read the file")
    check((COLLECTOR + "mtime_seconds", (("file", str(file)),)) in about, "node_exporter did not see the file")
    times = {name: one(in_file, name) for name in
             ("last_run_timestamp_seconds", "last_success_timestamp_seconds", "last_run_duration_seconds")}
    check(abs(times["last_run_timestamp_seconds"] - time.time()) < RUN_SECONDS, "the last run is not now")
    check(0 <= times["last_run_duration_seconds"] < RUN_SECONDS, "the duration", times)
    if is_success:
        check(times["last_success_timestamp_seconds"] == times["last_run_timestamp_seconds"], "the success", times)
    expected = of_report(report, earlier) | {(OURS + name, ()): value for name, value in times.items()}
    compare(in_file, expected, "the file")
    return in_file

def main(binary):
    with tempfile.TemporaryDirectory(prefix="daily-gpu-log-metrics-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        textfile = folder / "textfile"
        textfile.mkdir()
        file = textfile / "daily-gpu-log.prom"
        with exporter(textfile) as scrape:
            with cluster(binary, folder):
                whole = run(binary, folder, file, 0)
            good = check_run(whole, file, scrape, True)
            print(f"complete: {len(good)} samples, scraped as they were written")
            # The cluster is gone. A second later, so that the two times differ.
            time.sleep(1)
            report = run(binary, folder, file, 1)
            bad = check_run(report, file, scrape, False, whole)
            success = [one(found, "last_success_timestamp_seconds") for found in (good, bad)]
            check(success[0] == success[1] != one(bad, "last_run_timestamp_seconds"), "the last success is lost", success)
            print(f"failed: {len(bad)} samples, with the last success of the run before")
            # What was found right above is only worth something if this is found wrong.
            (textfile / "broken.prom").write_text("daily_gpu_log_build_info{ 1\n")
            check(samples(scrape(), COLLECTOR)[COLLECTOR + "scrape_error", ()] == 1, "a broken file is not noticed")
            print("broken: noticed")

if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    try:
        main(Path(sys.argv[1]).resolve())
    except Failed as failure:
        sys.exit("check_metrics: " + " ".join(map(str, failure.args)))
