"""What a program shows on a terminal, as a page of HTML, with the standard library alone."""
import fcntl, html, os, pty, re, select, signal, struct, termios, time, unicodedata

# The colours of a terminal by their numbers: black, red, green, yellow, blue, magenta, cyan, white, and the bright ones.
COLOURS = ("1e2430", "d9485a", "3fae6b", "d9a12f", "4f86e0", "a877d8", "36a9b5", "d5dae3",
           "7a8496", "ff6b7d", "63d08c", "f0c35a", "7aa9ff", "c79bf2", "5fd0db", "ffffff")
SEQUENCE = re.compile(r"\x1b\[([?\d;]*)([A-Za-z])|\x1b[()][A-Z0-9]|\x1b[=>78]|(.)", re.S)

def output(command, columns, rows, seconds, keys):
    """What a command writes on a terminal of that size within so many seconds; then it gets the keys that end it."""
    child, terminal = pty.fork()
    if child == 0:
        os.environ["TERM"] = "xterm-256color"
        os.execv(command[0], [str(word) for word in command])
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
    os.kill(child, signal.SIGWINCH)
    written, until = bytearray(), time.monotonic() + seconds
    while (left := until - time.monotonic()) > 0:
        if select.select([terminal], [], [], left)[0]:
            written += os.read(terminal, 1 << 16)
    shown = written.decode(errors="replace")
    os.write(terminal, keys)
    try:
        while os.read(terminal, 1 << 16):
            pass
    except OSError:
        pass        # the terminal is gone with its program
    _, status = os.waitpid(child, 0)
    return shown, os.waitstatus_to_exitcode(status)

def colour(codes):
    """The colour that the codes behind 38 or 48 name."""
    kind = codes.pop(0)
    if kind == 2:
        return "%02x%02x%02x" % tuple(codes.pop(0) for _ in range(3))
    number = codes.pop(0)
    if number < 16:
        return COLOURS[number]
    if number >= 232:
        return "%02x" % (8 + 10 * (number - 232)) * 3
    return "".join("%02x" % (0 if part == 0 else 55 + 40 * part)
                   for part in ((number - 16) // 36, (number - 16) // 6 % 6, (number - 16) % 6))

def restyled(style, codes):
    codes, style = [int(code or 0) for code in codes.split(";")], dict(style)
    while codes:
        code = codes.pop(0)
        if code == 0: style = {}
        elif code in (1, 2, 3, 7): style[code] = True
        elif code in (22, 23, 27): [style.pop(off, None) for off in {22: (1, 2), 23: (3,), 27: (7,)}[code]]
        elif code in (38, 48): style[code] = colour(codes)
        elif code in (39, 49): style.pop(code - 1, None)
        elif 30 <= code <= 37 or 90 <= code <= 97: style[38] = COLOURS[code % 10 + 8 * (code >= 90)]
        elif 40 <= code <= 47 or 100 <= code <= 107: style[48] = COLOURS[code % 10 + 8 * (code >= 100)]
    return style

def cells(shown, columns, rows):
    """The screen: for each cell its text and its style; the second half of a wide character has no text."""
    screen = [[(" ", {}) for _ in range(columns)] for _ in range(rows)]
    row = column = 0
    style = {}
    for codes, letter, text in SEQUENCE.findall(shown):
        if letter == "H":
            row, column = [max(int(part or 1) - 1, 0) for part in (codes.split(";") + ["", ""])[:2]]
        elif letter == "m":
            style = restyled(style, codes)
        elif letter == "J":
            screen = [[(" ", {}) for _ in range(columns)] for _ in range(rows)]
        elif text == "\r":
            column = 0
        elif text == "\n":
            row += 1
        elif text >= " " and row < rows and column < columns:
            wide = unicodedata.east_asian_width(text) in "WF"
            screen[row][column] = (text, style)
            if wide and column + 1 < columns:
                screen[row][column + 1] = ("", style)
            column += 1 + wide
    return screen

def page(screen):
    """The screen as HTML, a cell a box, so that the widths are those of a terminal."""
    def box(text, style, is_wide):
        front, back = style.get(38, COLOURS[7]), style.get(48, "141821")
        if 7 in style: front, back = back, front
        look = f"color:#{front};background:#{back};" + "font-weight:bold;" * (1 in style) + "opacity:.6;" * (2 in style)
        return f'<i style="{look}" class="{"w" if is_wide else ""}">{html.escape(text)}</i>'
    lines = []
    for row in screen:
        boxes = [box(text, style, at + 1 < len(row) and row[at + 1][0] == "") for at, (text, style) in enumerate(row) if text]
        lines.append("<div>" + "".join(boxes) + "</div>")
    return ("<!doctype html><meta charset=utf-8><style>body{margin:0;background:#141821;padding:14px}"
            "div{display:flex;height:19px}i{font:14px/19px 'DejaVu Sans Mono','Noto Sans Mono CJK TC',monospace;font-style:normal;"
            "width:8.6px;white-space:pre;overflow:hidden}i.w{width:17.2px}</style>" + "".join(lines))
