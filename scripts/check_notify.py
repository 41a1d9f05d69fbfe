#!/usr/bin/env python3
"""Lets the program send mail through a real SMTP server, and a message to a chat over HTTPS, and looks at what arrives:
of collections, of idle GPUs, and of a week.

usage: check_notify.py BINARY SIMULATION

The server is aiosmtpd, which speaks STARTTLS, TLS and AUTH and parses what it is given without any code of ours; the
certificates are made here and trusted through SSL_CERT_FILE. The run that is told of is one of a simulated cluster.
"""
import asyncio, base64, contextlib, io, json, logging, os, re, signal, socket, subprocess, sys
import tempfile, threading, time, zipfile
from datetime import datetime, timedelta, timezone
from email import message_from_bytes
from email.policy import default as modern
from email.utils import parsedate_to_datetime
from pathlib import Path

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult

from https import Handler, certificates, serving

HOST, VERSION = socket.gethostname(), None
USER, PASSWORD, HOOK = "gpulog", "hush öffne dich", "T0/B0/hush-hush"
YESTERDAY = f"{datetime.now(timezone.utc) - timedelta(days=1):%Y-%m-%d}"
FROM, ADMIN, OTHER = "GPU 使用紀錄 <gpulog@example.org>", "admin@example.org", "王小明 <ming@example.org>"
TRY_SECONDS = 1         # the program's limit for one try, of which there are two
SPARE_SECONDS = 4       # for all the rest of a run
FOR_EVER = 60
# Nothing that the program prints may hold any of these, however it was encoded on the way to the server.
SECRETS = [PASSWORD, "hush", *(base64.b64encode(text.encode()).decode() for text in (PASSWORD, f"\0{USER}\0{PASSWORD}"))]

class Mailbox:
    """What a server takes; `hooks` are aiosmtpd's, each by its name."""
    def __init__(self, **hooks):
        self.mails, self.logins, self.tries = [], [], 0
        for name, hook in hooks.items():
            setattr(self, name, lambda *arguments, hook=hook: hook(self, *arguments))

    async def handle_DATA(self, server, session, envelope):
        self.mails.append(envelope)
        return "250 2.0.0 taken"

    def authenticate(self, server, session, envelope, mechanism, login):
        self.logins.append(mechanism)
        return AuthResult(success=(login.login.decode(), login.password.decode()) == (USER, PASSWORD), handled=False)

async def refuse_some(mailbox, server, session, envelope, address, options):
    if address != ADMIN:
        return "550 5.1.1 hush: no such user here"
    envelope.rcpt_tos.append(address)
    return "250 2.1.5 fine"

async def refuse_once(mailbox, server, session, envelope, address, options):
    mailbox.tries += 1
    return "250 2.1.0 fine" if mailbox.tries > 1 and not setattr(envelope, "mail_from", address) else "451 4.3.0 not now"

async def take_and_hang(mailbox, server, session, envelope):
    mailbox.mails.append(envelope)
    await asyncio.sleep(FOR_EVER)

async def hang(mailbox, *_):
    await asyncio.sleep(FOR_EVER)

def free_port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]

@contextlib.contextmanager
def smtp(mailbox, **options):
    """A server for `mailbox`, as its port."""
    server = Controller(mailbox, hostname="127.0.0.1", port=free_port(), **options)
    server.start()
    try:
        yield server.port
    finally:
        server.stop()

@contextlib.contextmanager
def saying(text, pause):
    """A server that says this to whoever connects, with a pause after each byte."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        def serve():
            with contextlib.suppress(OSError):
                while True:
                    client, _ = listener.accept()
                    threading.Thread(target=say, args=(client,), daemon=True).start()
        def say(client):
            with client, contextlib.suppress(OSError):
                for byte in text:
                    client.sendall(bytes([byte]))
                    time.sleep(pause)
                client.recv(1)
        threading.Thread(target=serve, daemon=True).start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)

@contextlib.contextmanager
def chat(context):
    """A webhook over HTTPS: its port, and the bodies that it is sent."""
    bodies = []
    class Chat(Handler):
        def do_POST(self):
            bodies.append((self.path, json.loads(self.rfile.read(int(self.headers["Content-Length"])))))
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"ok")
    with serving(Chat, context) as port:
        yield port, bodies

class Check:
    def __init__(self, binary, folder, trusted):
        self.binary, self.folder, self.trusted = binary, folder, trusted
        self.passed = self.failed = 0
        self.cluster = (folder / "daily-gpu-log.toml").read_text()
        self.down = '[[nodes]]\nname = "down"\nurl = "http://127.0.0.1:1"\n'

    def judge(self, name, problems):
        self.failed, self.passed = self.failed + bool(problems), self.passed + (not problems)
        print(f"{'FAIL' if problems else 'ok'}  {name}", *problems, sep="\n      ", flush=True)

    def run(self, name, notify, nodes="", trusted=None):
        """One run that is told of: its warnings, and what else it said on stderr."""
        settings = self.folder / "settings.toml"
        settings.write_text(f"{self.cluster}\n{nodes}\n[notify]\ntimeout = \"{TRY_SECONDS}s\"\n{notify}")
        command = [self.binary, "--config", str(settings), "--data-dir", str(self.folder / "data"), "-vv", YESTERDAY]
        env = {"PATH": os.environ["PATH"], "HOME": str(self.folder), "TZ": "Pacific/Marquesas",
               "SSL_CERT_FILE": str(trusted or self.trusted)}
        started = time.monotonic()
        run = subprocess.run(command, env=env, cwd=self.folder, timeout=FOR_EVER, stdin=subprocess.DEVNULL,
                             capture_output=True, text=True)
        elapsed, lines = time.monotonic() - started, run.stderr.splitlines()
        problems = [f"{secret!r} in the output" for secret in SECRETS if secret in run.stdout + run.stderr]
        if run.returncode != (3 if nodes else 0):
            problems += [f"exit status {run.returncode}", run.stderr]
        if elapsed > 2 * TRY_SECONDS + SPARE_SECONDS:
            problems.append(f"it took {elapsed:.1f} s")
        self.judge(f"{name}: run", problems)
        warnings = [line.removeprefix("警告：") for line in lines if line.startswith(("警告：無法寄信", "警告：無法通知"))]
        return warnings, [line for line in lines if line.startswith(("錯誤：", "警告："))][:-len(warnings) or None]

    def refused(self, name, notify, warnings, mailbox=None, mails=0, trusted=None):
        """Runs in which somebody is not told, for these reasons."""
        got, _ = self.run(name, notify, trusted=trusted)
        problems = [] if got == warnings else [f"expected the warnings {warnings}", f"got {got}"]
        if mailbox and len(mailbox.mails) != mails:
            problems.append(f"expected {mails} mails, got {len(mailbox.mails)}")
        self.judge(name, problems)

    def mail(self, name, envelope, recipient, subject, lines, status):
        """One mail: every header that matters, decoded by the standard library, and the whole text."""
        raw = envelope.content
        mail = message_from_bytes(raw, policy=modern)
        body = mail.get_content().replace("\r\n", "\n")
        signature = f"主機 {HOST}，結束狀態 {status}，daily-gpu-log {VERSION}\n"
        seconds = abs((parsedate_to_datetime(mail["Date"]) - datetime.now(timezone.utc)).total_seconds())
        address = recipient.split("<")[-1].rstrip(">")
        expected = {
            "sender": (envelope.mail_from, "gpulog@example.org"),
            "recipients": (envelope.rcpt_tos, [address]),
            "From": (str(mail["From"]), FROM),
            "To": (str(mail["To"]), recipient),
            "Subject": (str(mail["Subject"]), f"daily-gpu-log {HOST}：{subject}（{YESTERDAY}）"),
            "Content-Type": (mail.get_content_type(), "text/plain"),
            "charset": (mail.get_content_charset(), "utf-8"),
            "MIME-Version": (mail["MIME-Version"], "1.0"),
            "Auto-Submitted": (mail["Auto-Submitted"], "auto-generated"),
            "body": (body, "\n".join([*lines, "", signature])),
            "age": (seconds < 60, True),
            "Message-ID": (bool(re.fullmatch(r"<[^<>@\s]+@example\.org>", mail["Message-ID"])), True),
            "ASCII alone": (raw.isascii(), True),
            "defects": (list(mail.defects), []),
        }
        self.judge(name, [f"{key}: expected {want!r}, got {got!r}" for key, (got, want) in expected.items() if got != want])

def settings(port, keys="", host="localhost", to=(ADMIN,)):
    to = json.dumps(list(to), ensure_ascii=False)
    return f'[notify.smtp]\nhost = "{host}"\nport = {port}\nfrom = "{FROM}"\nto = {to}\n{keys}\n'

def warning(port, reason, recipient=ADMIN):
    return f"無法寄信給 {recipient}（經由 localhost:{port}）：{reason}（請檢查 [notify.smtp]）"

def check_all(check, tls, strange_ca):
    login = f'username = "{USER}"\npassword_file = "password"'
    day = f"{YESTERDAY}：不完整，節點 1/2，讀數 1152/2304（50.0%）"
    complete = f"{YESTERDAY}：完整，節點 1/1，讀數 1152/1152（100.0%）"
    encrypted = dict(tls_context=tls, require_starttls=True, auth_required=True)

    box = Mailbox()
    with smtp(box, authenticator=box.authenticate, **encrypted) as port:
        warnings, said = check.run("STARTTLS and a login", settings(port, login, to=(ADMIN, OTHER)), check.down)
        check.judge("STARTTLS and a login: two mails", [f"{warnings}"] * bool(warnings) + (
            [] if (len(box.mails), len(box.logins), len(said)) == (2, 2, 1) else [f"{box.mails} {box.logins} {said}"]))
        box.mails.sort(key=lambda envelope: envelope.rcpt_tos)
        for envelope, recipient in zip(box.mails, (ADMIN, OTHER)):
            check.mail(f"the mail to {recipient}", envelope, recipient, "不完整", [day, *said], 3)
        check.run("a complete day", settings(port, login))
        check.judge("a complete day is no problem", [f"{len(box.mails)} mails"] * (len(box.mails) != 2))
        check.run("every day", f'when = "always"\n{settings(port, login)}')
        check.mail("every day, if that is wanted", box.mails[-1], ADMIN, "完整", [complete], 0)
        check.run("users", f'include_users = true\n{settings(port, login)}', check.down)
        users = "node00001 的使用者：GPU[0] user000"
        check.mail("users, if they are wanted", box.mails[-1], ADMIN, "不完整", [day, *said, users], 3)
        names = [bool(b"user000" in message_from_bytes(mail.content, policy=modern).get_content().encode()) for mail in box.mails]
        check.judge("users, only if they are wanted", [f"{names}"] * (names != [False, False, False, True]))

    always = 'when = "always"\n'
    for security, server in (("none", {}), ("tls", dict(ssl_context=tls, auth_require_tls=False))):
        box = Mailbox()
        with smtp(box, authenticator=box.authenticate, **server) as port:
            keys = f'security = "{security}"\n{login if server else ""}'
            check.run(security, always + settings(port, keys))
            check.judge(f'security = "{security}": one mail', [f"{box.mails} {box.logins}"] * (
                (len(box.mails), len(box.logins)) != (1, bool(server))))
            for envelope in box.mails:
                check.mail(f'security = "{security}": the mail', envelope, ADMIN, "完整", [complete], 0)

    box = Mailbox()
    with smtp(box, authenticator=box.authenticate, **encrypted) as port:
        wrong = login.replace('"password"', '"wrong-password"')
        check.refused("a wrong password", always + settings(port, wrong),
                      [warning(port, "登入被拒絕（SMTP 535 5.7.8）")], box)
        check.judge("a wrong password is tried once", [f"{box.logins}"] * (len(box.logins) != 1))
        check.refused("no password", always + settings(port), [warning(port, "寄送被拒絕（SMTP 530 5.7.0）")], box)
        check.judge("no password, no login", [f"{box.logins}"] * (len(box.logins) != 1))
        untrusted = "STARTTLS 失敗：invalid peer certificate: UnknownIssuer"
        check.refused("a strange CA", always + settings(port, login), [warning(port, untrusted)], box, trusted=strange_ca)
        check.judge("a strange CA is not given the password", [f"{box.logins}"] * (len(box.logins) != 1))
        got, _ = check.run("a strange name", always + settings(port, login, host="127.0.0.1"))
        check.judge("a strange name is not given the password", [f"{got} {box.logins}"] * (
            len(box.logins) != 1 or len(got) != 1 or "invalid peer certificate: certificate not valid for name" not in got[0]))

    box = Mailbox()
    with smtp(box) as port:
        reason = '伺服器不支援 STARTTLS（請改用 security = "tls"，或檢查 port）'
        check.refused("a server without STARTTLS", always + settings(port), [warning(port, reason)], box)
    box = Mailbox(handle_RCPT=refuse_some)
    with smtp(box) as port:
        keys = settings(port, 'security = "none"', to=(ADMIN, OTHER))
        reason = "寄送被拒絕（SMTP 550 5.1.1）"
        check.refused("one recipient refused", always + keys, [warning(port, reason, "ming@example.org")], box, 1)
    box = Mailbox(handle_MAIL=refuse_once)
    with smtp(box) as port:
        check.refused("a refusal that passes", always + settings(port, 'security = "none"'), [], box, 1)
    box = Mailbox(handle_QUIT=hang)
    with smtp(box) as port:
        check.refused("a server that takes no leave", always + settings(port, 'security = "none"'), [], box, 1)
    late = f"逾時：{TRY_SECONDS:.1f} 秒內沒有完成"
    box = Mailbox(handle_DATA=take_and_hang)
    with smtp(box) as port:
        check.refused("a server that takes and hangs", always + settings(port, 'security = "none"'),
                      [warning(port, late)], box, 2)
        ids = {message_from_bytes(mail.content)["Message-ID"] for mail in box.mails}
        check.judge("the second try has the id of the first", [f"{ids}"] * (len(ids) != 1))
    box = Mailbox(handle_MAIL=hang)
    with smtp(box) as port:
        check.refused("a server that hangs", always + settings(port, 'security = "none"'), [warning(port, late)], box)
    with saying(b"hush, this is no mail server\r\n", 0) as port:
        reason = "回應不是 SMTP（請檢查 port 與 security）"
        check.refused("a server of something else", always + settings(port), [warning(port, reason)])
    with saying(b"220-" + b"." * 10 * FOR_EVER, 0.1) as port:
        check.refused("a server that drips", always + settings(port), [warning(port, late)])
        check.refused("a server that drips instead of TLS", always + settings(port, 'security = "tls"'),
                      [warning(port, "連線失敗：received corrupt message of type InvalidContentType")])
    port = free_port()
    reason = "連線失敗：Connection refused (os error 111)"
    check.refused("no server", always + settings(port), [warning(port, reason)])

    with chat(tls) as (port, bodies):
        webhook = f'{always}webhook_url = "https://localhost:{port}/services/{HOOK}"'
        check.refused("a chat over HTTPS", webhook, [])
        text = f"daily-gpu-log {HOST}：完整（{YESTERDAY}）\n\n{complete}\n\n主機 {HOST}，結束狀態 0，daily-gpu-log {VERSION}\n"
        check.judge("what the chat is told", [f"{bodies}"] * (bodies != [(f"/services/{HOOK}", {"text": text})]))
        reason = "無法連線：invalid peer certificate: UnknownIssuer（請檢查 notify.webhook_url）"
        check.refused("a chat of a strange CA", webhook, [f"無法通知 https://localhost:{port}/…：{reason}"], trusted=strange_ca)

class Idle:
    """`alerts --send` for the day that has been collected, as if all that the one user did were idle."""
    def __init__(self, check):
        self.check, self.user = check, "user000"
        self.memory = check.folder / "data" / ".daily-gpu-log" / "alerts.json"

    def run(self, notify, status):
        """The lines on stderr."""
        settings = self.check.folder / "alerts.toml"
        cluster = self.check.cluster.replace("[ledger]\n", "[ledger]\nidle_percent = 100\n")
        settings.write_text(f"""{cluster}
[alerts]
window_days = 1
min_idle_hours = 20
[users]
{self.user} = "{OTHER}"
nobody = "nobody@example.org"
[notify]
timeout = "{TRY_SECONDS}s"
{notify}""")
        command = [self.check.binary, "alerts", "--config", str(settings), "--data-dir", str(self.check.folder / "data"),
                   "--send", YESTERDAY]
        run = subprocess.run(command, env={"PATH": os.environ["PATH"]}, cwd=self.check.folder, timeout=FOR_EVER,
                             stdin=subprocess.DEVNULL, capture_output=True, text=True)
        if run.returncode != status:
            self.check.judge("alerts", [f"exit status {run.returncode}", run.stdout, run.stderr])
        return run.stderr.splitlines()

def check_idle(check):
    idle = Idle(check)
    box = Mailbox()
    with smtp(box) as port:
        plain = settings(port, 'security = "none"')
        said = idle.run(plain, 0)
        mails = {envelope.rcpt_tos[0]: message_from_bytes(envelope.content, policy=modern) for envelope in box.mails}
        check.judge("idle GPUs: the admin and the user get a mail each", [f"{said} {list(mails)}"] * (
            said != [] or sorted(mails) != sorted([ADMIN, "ming@example.org"]) or len(box.mails) != 2))
        subjects = [str(mails[to]["Subject"]) for to in (ADMIN, "ming@example.org")]
        expected = [f"daily-gpu-log {HOST}：1 位使用者的 GPU 閒置（{YESTERDAY} 到 {YESTERDAY}）",
                    f"GPU 閒置提醒（{YESTERDAY} 到 {YESTERDAY}）"]
        check.judge("idle GPUs: the subjects", [f"{subjects}"] * (subjects != expected))
        bodies = {to: mail.get_content().replace("\r\n", "\n") for to, mail in mails.items()}
        check.judge("idle GPUs: the admin is told no names", [bodies[ADMIN]] * (idle.user in bodies[ADMIN]))
        start = (f"{idle.user} 您好：\n\n{YESTERDAY} 到 {YESTERDAY}（1 天），配置給您的 GPU 有較長的時間沒有在使用（使用率不超過 100%）：\n\n"
                 "閒置 24.00 GPU 小時，占時數 24.00 GPU 小時的 100.00%\n　node00001 GPU[0]：閒置 24.00 小時，時數 24.00 小時，平均使用率 ")
        end = f"這封信由 {HOST} 上的 daily-gpu-log {VERSION} 自動寄出，只列出您自己的使用情形\n"
        body = bodies["ming@example.org"]
        check.judge("idle GPUs: the user is told what is theirs", [body] * (not (body.startswith(start) and body.endswith(end))))
        modes = f"{idle.memory.stat().st_mode & 0o777:o}"
        said = idle.run(plain, 0)
        check.judge("idle GPUs: nobody is told twice", [f"{said} {len(box.mails)} {modes}"] * (
            (said, len(box.mails), modes) != ([], 2, "600")))
    idle.memory.unlink()
    box = Mailbox(handle_RCPT=refuse_some)
    with smtp(box) as port:
        plain = settings(port, 'security = "none"')
        said = idle.run(plain, 3)
        refusal = f"警告：{warning(port, '寄送被拒絕（SMTP 550 5.1.1）', 'ming@example.org')}"
        check.judge("idle GPUs: a mail that is refused is a warning", [f"{said}"] * (said != [refusal]))
        said = idle.run(plain, 0)
        check.judge("idle GPUs: it is not sent again", [f"{said} {len(box.mails)}"] * ((said, len(box.mails)) != ([], 1)))

def check_digest(check):
    """The digest of the last week, of which one day is collected: its text, its workbook and its page."""
    today = datetime.now(timezone.utc).date()
    sunday = today - timedelta(days=today.weekday() + 1)
    # The simulated tasks are yesterday's: the week has the same on its last day.
    def known(day):
        start = int(datetime.fromisoformat(f"{day}T00:00+00:00").timestamp())
        return f",{start},{start + 86400},"
    report = (check.folder / "data" / "reports" / f"users_{YESTERDAY}.csv").read_text()
    report = report.replace(known(YESTERDAY), known(sunday))
    reports = check.folder / "weekly" / "reports"
    reports.mkdir(parents=True)
    (reports / f"users_{sunday}.csv").write_text(report)
    box = Mailbox()
    with smtp(box) as port:
        settings_file = check.folder / "digest.toml"
        notify = settings(port, 'security = "none"', to=(ADMIN, OTHER))
        settings_file.write_text(f"{check.cluster}\n[notify]\ndigest = \"weekly\"\n{notify}")
        def run():
            command = [check.binary, "--config", str(settings_file), "--data-dir", str(check.folder / "weekly"), YESTERDAY]
            run = subprocess.run(command, env={"PATH": os.environ["PATH"]}, cwd=check.folder, timeout=FOR_EVER,
                                 stdin=subprocess.DEVNULL, capture_output=True, text=True)
            return [] if (run.returncode, run.stderr) == (0, "") else [f"{run.returncode} {run.stderr}"]
        check.judge("the digest: run", run())
        check.judge("the digest is sent once", run() + [f"{len(box.mails)} mails"] * (len(box.mails) != 2))
        for envelope in box.mails:
            mail = message_from_bytes(envelope.content, policy=modern)
            text, book, page = mail.iter_parts()
            body = text.get_content().replace("\r\n", "\n")
            html = page.get_content()
            days = f"{sunday - timedelta(days=6)} 到 {sunday}"
            with zipfile.ZipFile(io.BytesIO(book.get_content())) as parts:
                damaged, cells = parts.testzip(), parts.read("xl/sharedStrings.xml").decode()
            expected = {
                "subject": (str(mail["Subject"]), f"daily-gpu-log {HOST}：用量摘要（{days}）"),
                "text": (body.startswith("時數 24.00 GPU 小時："), True),
                "workbook": (book.get_filename(), f"users_{sunday - timedelta(days=6)}_{sunday}.xlsx"),
                "type": (book.get_content_type(), "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
                "page": (page.get_filename(), f"report_{sunday - timedelta(days=6)}_{sunday}.html"),
                "page's type": (page.get_content_type(), "text/html"),
                "page's end": (html.rstrip().endswith("</html>"), True),
                "damaged": (damaged, None),
                "names": ("user000" in body + cells + html, False),
                "pseudonyms": ("user-" in body and "user-" in cells and "user-" in html, True),
                "defects": ([defect for part in (mail, text, book, page) for defect in part.defects], []),
            }
            problems = [f"{key}: expected {want!r}, got {got!r}" for key, (got, want) in expected.items() if got != want]
            check.judge(f"the digest to {envelope.rcpt_tos}", problems)

def main():
    global VERSION
    if len(sys.argv) != 3 or not all(os.access(path, os.X_OK) for path in sys.argv[1:]):
        sys.exit("usage: check_notify.py BINARY SIMULATION (build them first: cargo build --release --examples --bins)")
    binary, simulation = map(os.path.abspath, sys.argv[1:])
    logging.getLogger("mail.log").setLevel(logging.CRITICAL)    # what a client did wrong is our business here
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))     # to leave through the context managers
    VERSION = subprocess.run([binary, "--version"], capture_output=True, text=True, check=True).stdout.split()[-1]
    with tempfile.TemporaryDirectory(prefix="check-notify-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        (trusted, tls), (strange_ca, _) = (certificates(folder, name) for name in ("ours", "strange"))
        for file, text in (("password", PASSWORD), ("wrong-password", f"{PASSWORD}!")):
            (folder / file).touch(mode=0o600)
            (folder / file).write_text(f"{text}\n")
        cluster = subprocess.Popen([simulation, "nodes", "1", "0", "1", str(folder)], stdin=subprocess.PIPE,
                                   stdout=subprocess.PIPE, text=True)
        with cluster, cluster.stdin:        # its end is the end of its input
            if cluster.stdout.readline() != "ready\n":
                sys.exit("the simulated cluster does not start")
            check = Check(binary, folder, trusted)
            check_all(check, tls, strange_ca)
            check_idle(check)
            check_digest(check)
            cluster.stdin.close()
    print(f"{check.passed} passed, {check.failed} failed")
    return 1 if check.failed else 0

if __name__ == "__main__":
    sys.exit(main())
