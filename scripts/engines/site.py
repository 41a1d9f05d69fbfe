"""What is counted, and the program with a data directory of its own."""
import contextlib, os, subprocess, time

from .tree import Tree

RUN_SECONDS = 120

class Check:
    def __init__(self):
        self.passed = self.failed = 0

    def judge(self, name, problems):
        problems = [str(problem)[:2000] for problem in problems]
        self.failed, self.passed = self.failed + bool(problems), self.passed + (not problems)
        print(f"{'NOT OK' if problems else 'ok'}: {name}", *problems, sep="\n      ", flush=True)

    @contextlib.contextmanager
    def part(self, name):
        """An error in a part fails it alone."""
        started = time.monotonic()
        try:
            yield
        except (OSError, RuntimeError, subprocess.SubprocessError, ValueError, KeyError, IndexError) as error:
            self.judge(name, [f"{type(error).__name__}: {error}"])
        print(f"    ({name}: {time.monotonic() - started:.1f} s)", flush=True)

class Site:
    """A data directory with its settings, whose program is run with."""
    def __init__(self, binary, cluster, folder, more=""):
        self.binary, self.folder, self.data = binary, folder, folder / "data"
        folder.mkdir()
        self.settings = folder / "daily-gpu-log.toml"
        self.settings.write_text(cluster.settings + more)
        self.cluster = cluster

    def command(self, *arguments, data=None):
        return [self.binary, "--config", self.settings, "--data-dir", data or self.data, "--lang", "en", *arguments]

    def run(self, *arguments, data=None):
        done = subprocess.run(self.command(*arguments, data=data), stdin=subprocess.DEVNULL, capture_output=True,
                              text=True, timeout=RUN_SECONDS, cwd=self.folder, env={"PATH": os.environ["PATH"]})
        return done.returncode, done.stdout + done.stderr

    def must(self, *arguments, data=None, status=0):
        got, said = self.run(*arguments, data=data)
        if got != status:
            raise RuntimeError(f"{' '.join(map(str, arguments))} ended with {got}: {said[-1500:]}")
        return said

    def start(self, *arguments, data=None):
        return subprocess.Popen(self.command(*arguments, data=data), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                stderr=subprocess.PIPE, text=True, cwd=self.folder, env={"PATH": os.environ["PATH"]})

    def collect(self, *arguments, data=None):
        dates = self.cluster.dates
        # Users who held a GPU at once are warnings; the status is what counts.
        self.must("--quiet", *(arguments or (dates[0], "--to", dates[-1])), data=data)

    def tree(self, data=None, nodes=None, dates=None):
        cluster = self.cluster
        return Tree(data or self.data, nodes or cluster.nodes, dates or cluster.dates, cluster.tasks)

def error_of(said):
    return next((line[:200] for line in said.splitlines() if line.startswith("error")), "no error")

def files(folder):
    """Each file with its time and bytes."""
    return {path: (path.stat().st_mtime_ns, path.stat().st_ino, path.read_bytes())
            for path in sorted(folder.rglob("*")) if path.is_file() and path.name != "lock"}
