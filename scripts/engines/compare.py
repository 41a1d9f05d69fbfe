"""What engines read, beside the tree; and what they answer to the questions of scripts/sql."""
import collections, datetime, json, math

from .targets import SQL, VIEWS

def differences(got, want):
    """What is in one list of rows and not in the other, as many as people read."""
    got, want = collections.Counter(map(repr, got)), collections.Counter(map(repr, want))
    lines = [f"{sign} {row}" for sign, rows in (("too many:", got - want), ("missing:", want - got))
             for row in list(rows)[:3]]
    return lines + [f"{sum((got - want).values())} too many, {sum((want - got).values())} missing"] * bool(lines)

def compare(check, engine, tree, what="every value"):
    """All tables of an engine beside the tree."""
    tables = engine.tables()
    readings = tree.readings()
    problems = []
    for name, want in (("reading", readings), ("usage", tree.usage()), ("holding", tree.holdings()),
                       ("node_day", tree.node_days())):
        problems += [f"{name}: {line}" for line in differences(tables[name], want)]
    check.judge(f"{engine.name}: {what} of {len(readings)} readings, and of the other tables, is the tree's", problems)

def compare_views(check, engine, tree):
    """Their doubles are sums, which differ in the last digits."""
    got = engine.tables(VIEWS)
    got["run"] = [(*row[:3], len(json.loads(row[3]))) for row in got["run"]]
    is_double = lambda value: isinstance(value, float)
    exact = lambda rows: [tuple(value for value in row if not is_double(value)) for row in rows]
    for name, want in (("gpu_day", tree.gpu_days()), ("usage_by_user_day", tree.user_days()), ("run", tree.runs())):
        want = sorted(want, key=repr)
        problems = differences(exact(got[name]), exact(want))
        for got_row, want_row in zip(got[name], want):
            pairs = zip(filter(is_double, got_row), filter(is_double, want_row))
            problems += [f"{got_row} and not {want_row}"] * any(abs(one - other) > 1e-9 for one, other in pairs)
        check.judge(f"{engine.name}: {name}", problems[:5])

class Ask:
    """The questions of scripts/sql about the days that were not changed by hand, and their answers from the CSVs."""
    def __init__(self, site, tree):
        self.site, self.tree = site, tree
        self.first, self.last = tree.dates[0], tree.dates[-1]
        self.node, self.gpu = tree.nodes[-1], 3

    def text(self, name):
        text = (SQL / f"{name}.sql").read_text()
        for old, new in (("'2025-08-01'", f"'{self.last if name == 'readings_of_a_gpu' else self.first}'"),
                         ("'2025-08-31'", f"'{self.last}'"), ("'colab-gpu4'", f"'{self.node}'")):
            text = text.replace(old, new)
        return text

    def mean_by_node_and_day(self):
        values = collections.defaultdict(lambda: collections.defaultdict(lambda: ([], [])))
        for date, node, gpu, _, _, *percents in self.tree.readings():
            for of_metric, percent in zip(values[date, node][gpu], percents):
                of_metric += [percent] * (percent is not None)
        mean = lambda numbers: math.fsum(numbers) / len(numbers)
        return [(*key, *(mean([mean(gpu[metric]) for gpu in gpus.values()]) for metric in (0, 1)))
                for key, gpus in sorted(values.items())]

    def top_idle_users(self):
        users = collections.defaultdict(lambda: [0, 0, 0, 0])
        for _, _, kind, user, _, total, active, held, empty, unread, unknown, *_ in self.tree.usage():
            if kind == "held":
                users[user] = [sum(pair) for pair in zip(users[user], (total, active, held + empty + unread, unknown))]
        ranked = sorted(users.items(), key=lambda item: (-item[1][2], item[0]))[:10]
        return [(user, *(seconds / 3600 for seconds in of_user)) for user, of_user in ranked]

    def hours_by_project(self):
        """As the program's own command says it."""
        said = self.site.must("users", self.first, "--to", self.last, "--by", "project", "--json", data=self.tree.data)
        groups = json.loads(said[said.index("{"):said.rindex("}") + 1])["groups"]
        rows = [(group["name"], group["allocated_seconds"] / 3600) for group in groups]
        return sorted(rows, key=lambda row: (-row[1], row[0] or ""))

    def coverage(self):
        sums = collections.defaultdict(lambda: [0, 0])
        for _, node, *_, found, due in self.tree.node_days():
            sums[node] = [sums[node][0] + found, sums[node][1] + due]
        rows = [(node, len(self.tree.dates), found, due, 100 * found / due) for node, (found, due) in sums.items()]
        return sorted(rows, key=lambda row: (row[4], row[0]))

    def readings_of_a_gpu(self):
        return [row[4:] for row in self.tree.readings() if row[:3] == (self.last, self.node, self.gpu)]

def epoch(text):
    """The seconds of a time as an engine prints it; all are asked in UTC."""
    time = datetime.datetime.fromisoformat(text)
    return int(time.replace(tzinfo=time.tzinfo or datetime.timezone.utc).timestamp())

def answer_problems(got, want, decimals, name):
    if len(got) != len(want):
        return [f"{len(got)} rows and not {len(want)}: {got[:3]}"]
    problems = []
    for got_row, want_row in zip(got, want):
        for got_value, want_value in zip(got_row, want_row, strict=True):
            if isinstance(want_value, (int, float)):
                if name == "readings_of_a_gpu" and isinstance(want_value, int):
                    fits = epoch(str(got_value)) == want_value
                else:
                    # Half of the last decimal, and what a double costs.
                    fits = abs(float(got_value) - want_value) <= (0.5 * 10 ** -decimals if decimals else 0) + 1e-9
            else:
                fits = got_value == want_value if got_value is None or want_value is None else str(got_value) == want_value
            if not fits:
                problems.append(f"{got_row} and not {want_row}")
                break
    return problems[:3]

QUESTIONS = {"mean_by_node_and_day": 2, "top_idle_users": 4, "hours_by_project": 4, "coverage": 2, "readings_of_a_gpu": None}

def check_questions(check, engines, ask):
    wanted = {name: getattr(ask, name)() for name in QUESTIONS}
    for engine in engines:
        with check.part(f"{engine.name}: questions"):
            answers = engine.questions([ask.text(name) for name in QUESTIONS])
            for (name, decimals), got in zip(QUESTIONS.items(), answers):
                if name == "hours_by_project":      # engines differ in where NULL comes among equals
                    got = sorted(got, key=lambda row: (-float(row[1]), row[0] or ""))
                check.judge(f"{engine.name}: {name}", answer_problems(got, wanted[name], decimals, name))
