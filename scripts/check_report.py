#!/usr/bin/python3
"""Looks at the page of the simulated cluster in Debian's chromium.

usage: check_report.py BINARY [DIRECTORY]

The pictures go into DIRECTORY, to be looked at by somebody with eyes.
"""
import contextlib, csv, re, subprocess, sys, tempfile, threading, time
from decimal import ROUND_HALF_EVEN, ROUND_HALF_UP, Decimal
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).parent))
import terminal
from devtools import Browser, Page

START_SECONDS = 120
MOST_BYTES = 64 << 10
MOST_READY_SECONDS = 2
MOST_MADE_SECONDS = 2
GPUS = 32
LIVE_SIZE = (80, 38)    # columns and rows
LIVE_SECONDS = 4

class Failed(Exception):
    """A check that failed."""

def check(condition, *problem):
    if not condition:
        raise Failed(*problem)

@contextlib.contextmanager
def cluster(binary):
    """The simulated cluster, which collects its yesterday. Yields its settings file."""
    example = binary.parent / "examples" / "simulated-cluster"
    process = subprocess.Popen([example, "--serve"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    too_late = threading.Timer(START_SECONDS, process.kill)
    too_late.start()
    try:
        # In either language.
        check(any("Ctrl-C" in line for line in process.stdout), "the simulated cluster does not start")
        too_late.cancel()
        yield binary.parent / "simulated-cluster" / "daily-gpu-log.toml"
    finally:
        too_late.cancel()
        process.kill()
        process.wait()

def report(binary, settings, path, *arguments):
    began = time.monotonic()
    made = subprocess.run([binary, "report", *arguments, "-o", path, "--config", settings], capture_output=True, text=True)
    check(made.returncode == 0, arguments, made.returncode, made.stderr)
    return time.monotonic() - began

def readings(data, node, date, gpu):
    """The rows of a GPU's file: GPU and VRAM."""
    with open(data / node / date / f"gpu{gpu}_{date}.csv", newline="") as file:
        rows = list(csv.reader(file))[1:]
    return [(gpu, vram) for _, _, gpu, vram in rows]

def accounts(data, date):
    """Each user's seconds: held, active, idle, without readings."""
    with open(data / "reports" / f"users_{date}.csv", newline="") as file:
        rows = [row for row in csv.reader(file) if row[0] == "配置合計"]
    return {row[1]: [int(row[11]), int(row[12]), sum(map(int, row[13:16])), int(row[16])] for row in rows}

def shows(shown, field):
    """Whether the page shows a file's field, where a half may be rounded up or to the even digit."""
    if not field:
        return shown == "無讀數"
    return shown in (f"{Decimal(field).quantize(Decimal('0.1'), rounding)}%" for rounding in (ROUND_HALF_UP, ROUND_HALF_EVEN))

def of_table(page):
    rows = page.eval("""[...document.querySelectorAll("table.users tbody tr")].map(r =>
        [r.querySelector(".who").textContent, ...[...r.querySelectorAll("td[data-v]")].slice(0, 4).map(d => +d.dataset.v)])""")
    return {user: seconds for user, *seconds in rows}

def is_clean(page, path):
    check(not page.errors(), "errors", page.errors())
    check(page.requests() == ["file://" + str(path)], "requests", page.requests())

def tips(page, data, date):
    """The tips by keyboard, of every GPU, are what the files say."""
    lanes = page.eval("""[...document.querySelectorAll('.lane[data-k=day]')].map(l => l.getAttribute('aria-label'))""")
    check(len(lanes) == GPUS, "lanes", len(lanes))
    seen = 0
    for number, label in enumerate(lanes):
        node, gpu = re.match(r"(\S+) GPU\[(\d)\]", label).groups()
        rows = readings(data, node, date, gpu)
        page.eval(f"document.querySelectorAll('.lane[data-k=day]')[{number}].focus()")
        for cell in range(25):
            page.key("ArrowRight")
            if cell not in (0, 1, 6, 18, 23, 24):
                continue
            tip = page.eval("document.getElementById('tip').textContent")
            found = re.search(r"GPU (\S+)  VRAM (\S+)", tip)
            check(found and all(map(shows, found.groups(), rows[cell])), label, cell, tip, rows[cell])
            check(page.eval("document.activeElement.getAttribute('aria-valuetext')") == tip, "the tip is not read out")
            seen += 1
    page.key("Escape")
    check(page.eval("document.getElementById('tip').hidden"), "the tip stays")
    return seen

def lane_of(page, node, gpu):
    """Scrolls to a lane, and says where it is."""
    page.eval(f"""window.lane = [...document.querySelectorAll('.lane')].find(l => l.getAttribute('aria-label').startsWith('{node} GPU[{gpu}]'));
        window.lane.scrollIntoView({{block: 'center'}}), 0""")
    return page.eval("(b => [b.left, b.top, b.width])(window.lane.getBoundingClientRect())")

def pointer(page, data, date, pictures):
    """The same by pointer; a click opens the lines, which break at the gap."""
    left, top, width = lane_of(page, "colab-gpu4", 1)
    rows = readings(data, "colab-gpu4", date, 1)
    cell = next(number for number, row in enumerate(rows) if not row[0])
    page.mouse(left + width * (cell + 0.5) / 144, top + 5, click=True)
    tip = page.eval("document.getElementById('tip').textContent")
    check("GPU 無讀數  VRAM 無讀數" in tip, "the tip of a gap", tip)
    lines = page.eval("document.querySelector('.detail .lg').getAttribute('d')")
    check(lines.count("M") == 2, "the line does not break", lines)
    left, top, width = lane_of(page, "colab-gpu4", 2)
    page.mouse(left + width * 30.5 / 144, top + 5)
    tip = page.eval("document.getElementById('tip').textContent")
    check("alice  任務 t-" in tip and "起 " in tip, "the holder", tip)
    if pictures:
        page.screenshot(pictures / "tip.png")
    page.mouse(1, 1)

def table(page):
    """The users are sorted by what is pressed, and one can be picked."""
    users = lambda: page.eval("[...document.querySelectorAll('table.users tbody .who')].map(w => w.textContent)")
    before = users()
    check(before == sorted(before, key=lambda user: -of_table(page)[user][0]), "not by hours", before)
    press = lambda column: page.eval(f"document.querySelectorAll('table.users thead button')[{column}].click()")
    press(3)
    check(page.eval("document.querySelectorAll('table.users thead th')[3].getAttribute('aria-sort')") == "descending", "not sorted")
    check(users() == sorted(before, key=lambda user: -of_table(page)[user][2]), "not by idle hours", users())
    page.eval("[...document.querySelectorAll('button.who')].find(b => b.textContent === 'bob').click()")
    dimmed = page.eval("[...document.querySelectorAll('svg.b>svg')].filter(b => !b.classList.contains('dimmed')).map(b => b.textContent)")
    check(set(dimmed) == {"bob"}, "others are not dimmed", dimmed)
    page.eval("[...document.querySelectorAll('button.who')].find(b => b.textContent === 'bob').click(), 0")
    press(1)

def switch(page):
    """GPU and VRAM change places, without the script as well."""
    shown = lambda of: page.eval(f"[...document.querySelectorAll('.lane svg.{of}')].filter(s => getComputedStyle(s).display !== 'none').length")
    page.eval("scrollTo(0, 0)")
    check((shown("g"), shown("v")) == (GPUS, 0), "GPU first", shown("g"), shown("v"))
    for label, expected in ("mv", (0, GPUS)), ("mg", (GPUS, 0)):
        x, y = page.eval(f"(b => [b.x + b.width / 2, b.y + b.height / 2])(document.querySelector('label[for={label}]').getBoundingClientRect())")
        page.mouse(x, y, click=True)
        check((shown("g"), shown("v")) == expected, label, shown("g"), shown("v"))

def accessible(page):
    tree = page.tree()
    named = lambda role: [name for of, name in tree if of == role]
    check("誰用了多少" in named("table"), "tables", named("table"))
    check(len(named("slider")) == GPUS and all(named("slider")), "sliders", len(named("slider")))
    check({"GPU", "VRAM"} <= set(named("radio")), "the switch", named("radio"))
    check("容量的去向" in named("image"), "the bar", named("image"))
    check(all(named("image")) and len(named("heading")) >= 6, "names", named("image"), named("heading"))

def text(page):
    return re.sub(r"\s+", " ", page.eval("document.querySelector('main').innerText"))

def day(browser, path, data, date, pictures):
    page = Page(browser, path)
    check(page.ready_seconds < MOST_READY_SECONDS, "ready", page.ready_seconds)
    ready = page.ready_seconds
    with_script = text(page)
    check(of_table(page) == accounts(data, date), "users", of_table(page), accounts(data, date))
    accessible(page)
    seen = tips(page, data, date)
    table(page)
    switch(page)
    if pictures:
        page.eval("scrollTo(0, 0)")
        page.screenshot(pictures / "day.png", whole=True)
    pointer(page, data, date, pictures)
    is_clean(page, path)
    background = page.eval("getComputedStyle(document.body).backgroundColor")
    page.close()

    page = Page(browser, path, script=False)
    without = text(page)
    check(without == with_script, "the text differs without the script", without, with_script)
    switch(page)
    pdf = page.pdf(pictures / "day.pdf" if pictures else None)
    box = re.search(rb"/MediaBox\s*\[\s*0 0 ([\d.]+) ([\d.]+)\s*\]", pdf)
    check(box and [round(float(side)) for side in box.groups()] == [595, 842], "no A4", box)
    is_clean(page, path)
    page.close()

    page = Page(browser, path, dark=True)
    check(page.eval("getComputedStyle(document.body).backgroundColor") != background, "not dark")
    if pictures:
        page.screenshot(pictures / "dark.png", whole=True)
    is_clean(page, path)
    page.close()
    narrow(browser, path, pictures and pictures / "phone.png")
    return seen, ready

def narrow(browser, path, picture):
    page = Page(browser, path, width=390, height=844, scale=2)
    width = page.eval("document.documentElement.scrollWidth")
    check(width <= 390, "wider than a phone", width)
    if picture:
        page.screenshot(picture, whole=True)
    is_clean(page, path)
    page.close()

def english(browser, path, picture):
    page = Page(browser, path)
    check(page.eval("document.documentElement.lang") == "en", "the language")
    left = re.findall("[\u3000-\u303f\u4e00-\u9fff\uff00-\uffef]+", text(page))
    check(set(left) <= {"王小明"}, "Chinese is left", left)
    if picture:
        page.screenshot(picture, whole=True)
    is_clean(page, path)
    page.close()

def week(browser, path, pictures):
    page = Page(browser, path)
    kinds = page.eval("['days', 'carpet'].map(k => document.querySelectorAll(`.lane[data-k=${k}]`).length)")
    check(kinds == [GPUS, GPUS], "lanes of days and blocks", kinds)
    page.eval("document.querySelector('.lane[data-k=carpet]').focus()")
    for key in ("ArrowRight", "ArrowDown", "ArrowDown", "Enter"):
        page.key(key)
    check(page.eval("document.querySelectorAll('.detail').length") == 1, "no lines")
    check(re.search(r"colab-gpu1 GPU\[0\]", page.eval("document.getElementById('tip').textContent")), "no tip")
    page.key("Escape")
    page.eval("document.querySelector('.detail').remove(), document.querySelector('button.who').click()")
    check(page.eval("document.querySelectorAll('.mask').length") > 0, "nobody is picked")
    page.eval("document.querySelector('button.who').click(), scrollTo(0, 0)")
    check({"每日趨勢", "各節點每天的平均使用率 (%)", "誰用了多少"} <= {name for role, name in page.tree() if role == "table"}
          | {name for role, name in page.tree() if role == "heading"}, "tables")
    if pictures:
        page.screenshot(pictures / "week.png", whole=True)
    is_clean(page, path)
    page.close()
    narrow(browser, path, pictures and pictures / "week-phone.png")

def for_the_readme(browser, binary, settings, date, folder, pictures):
    """What the README shows, in both languages: the top of a day's page, and the live view."""
    for language in ("zh-TW", "en"):
        path = folder / f"readme.{language}.html"
        report(binary, settings, path, date, "--lang", language)
        page = Page(browser, path, width=1180, height=1760, scale=0.66)
        page.screenshot(pictures / f"report.{language}.png")
        page.close()
        command = [str(binary), "live", "--lang", language, "--config", str(settings)]
        shown, status = terminal.output(command, *LIVE_SIZE, LIVE_SECONDS, b"q")
        check(status == 0, "live", status)
        path.write_text(terminal.page(terminal.cells(shown, *LIVE_SIZE)))
        page = Page(browser, path, width=round(LIVE_SIZE[0] * 8.6) + 28, height=LIVE_SIZE[1] * 19 + 28, script=False)
        page.screenshot(pictures / f"live.{language}.png")
        page.close()

def main():
    binary = Path(sys.argv[1]).resolve()
    pictures = Path(sys.argv[2]).resolve() if len(sys.argv) > 2 and sys.argv[2] else None
    if pictures:
        pictures.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="check-report-") as folder, cluster(binary) as settings:
        collected = subprocess.run([binary, "yesterday", "--catch-up", "6", "-q", "--config", settings], capture_output=True, text=True)
        check(collected.returncode == 0, "collecting", collected.returncode, collected.stderr)
        data = settings.parent / "data"
        date = max(file.name for file in (data / "colab-gpu1").iterdir())
        of_day, of_week = Path(folder).resolve() / "day.html", Path(folder).resolve() / "week.html"
        seconds = report(binary, settings, of_day, date)
        check(seconds <= MOST_MADE_SECONDS, "made", seconds)
        report(binary, settings, of_week, "--days", "7")
        in_english = Path(folder).resolve() / "english.html"
        report(binary, settings, in_english, date, "--lang", "en")
        bytes_of_day = of_day.stat().st_size
        check(bytes_of_day <= MOST_BYTES, "bytes", bytes_of_day)
        browser = Browser()
        try:
            seen, ready = day(browser, of_day, data, date, pictures)
            week(browser, of_week, pictures)
            english(browser, in_english, pictures and pictures / "english.png")
            if pictures:
                for_the_readme(browser, binary, settings, date, Path(folder), pictures)
        finally:
            browser.close()
    print(f"the page of a day: {bytes_of_day:,} bytes, made in {seconds * 1000:.0f} ms, ready in {ready:.2f} s; "
          f"{seen} tips are what the files say")
    return 0

if __name__ == "__main__":
    try:
        sys.exit(main())
    except Failed as failed:
        print("FAILED:", *failed.args, file=sys.stderr)
        sys.exit(1)
