"use strict";
(() => {
const D = JSON.parse(document.getElementById("data").textContent), W = D.words, tip = document.getElementById("tip");
const all = (css, of = document) => [...of.querySelectorAll(css)];
const SVG = "http://www.w3.org/2000/svg";
const svg = (tag, attributes = {}) => {
  const e = document.createElementNS(SVG, tag);
  for (const k in attributes) e.setAttribute(k, attributes[k]);
  return e;
};
const tag = (name, cls, text = "") => {
  const e = document.createElement(name);
  e.className = cls;
  e.textContent = text;
  return e;
};

// Two digits a value, in tenths of a percent; "~" and two digits: the value before so many times more.
const A = new Map([..."ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"].map((c, i) => [c, i]));
const decode = s => {
  const out = [];
  for (let i = 0; i < s.length; i += 2) {
    const again = s[i] === "~";
    if (again) i++;
    const n = A.get(s[i]) * 64 + A.get(s[i + 1]);
    if (again) for (let k = n, v = out[out.length - 1]; k > 0; k--) out.push(v);
    else out.push(n === 4095 ? null : n);
  }
  return out;
};
const cache = new Map();
// The cells of a GPU: u GPU, v VRAM; 0 and 1 their means of days.
const series = (i, what) => {
  const key = i + ":" + what, g = D.gpus[i];
  if (!cache.has(key)) cache.set(key, decode((typeof what === "number" ? g.d && g.d[what] : g[what]) || ""));
  return cache.get(key);
};
const first = [0];
for (const d of D.days) first.push(first[first.length - 1] + d[2]);
const widest = Math.max(...D.days.map(d => d[2]));

const two = n => String(n).padStart(2, "0");
const offset = (day, cell) => day[3].reduce((last, [from, o]) => from <= cell ? o : last, 0);
const clock = (t, o) => new Date((t + o) * 1e3).toISOString();
const percent = v => v == null ? W.gap : (v / 10).toFixed(1) + "%";
const gpuName = i => D.nodes[D.gpus[i].n] + " GPU[" + D.gpus[i].g + "]";

// Who held a GPU in a time: each user with their seconds and tasks.
const held = (i, from, to) => {
  const users = new Map();
  for (const [task, a, b] of D.gpus[i].h) {
    const s = Math.min(b + D.start, to) - Math.max(a + D.start, from);
    if (s <= 0) continue;
    const u = D.tasks[task][2];
    if (!users.has(u)) users.set(u, []);
    users.get(u).push([task, Math.max(a + D.start, from), Math.min(b + D.start, to)]);
  }
  return users;
};
const union = spans => {
  let sum = 0, end = -Infinity;
  for (const [, a, b] of spans.sort((x, y) => x[1] - y[1])) { sum += Math.max(0, b - Math.max(a, end)); end = Math.max(end, b); }
  return sum;
};
const coverage = (i, day) => {
  const [found, due] = D.gpus[i].c[day];
  return due ? W.coverage + " " + (found === due ? "100.0" : Math.min(99.9, found / due * 100).toFixed(1)) + "%" : W.gap;
};
// What is said of a GPU that nobody is seen to hold up to a time.
const free = (i, day, to) => {
  const [, , , , known, end] = D.days[day];
  return Math.min(to, end) > known ? W.noTasks : (D.gpus[i].x || []).includes(day) ? W.doubt : W.unused;
};
const who = (i, day, from, to, withHours) => {
  const users = held(i, from, to), lines = [];
  for (const [u, spans] of users) {
    if (withHours) { lines.push(D.users[u] + "  " + (union(spans) / 3600).toFixed(1) + " " + W.hours); continue; }
    const [id, type, , since] = D.tasks[spans[0][0]];
    const at = since == null ? "" : "  " + W.since + " " + since;
    lines.push(D.users[u] + "  " + W.task + " " + id + (type ? " (" + type + ")" : "") + at);
  }
  if (lines.length > 6) lines.splice(6, lines.length, "… +" + (users.size - 6));
  return lines.length ? lines.join("\n") : free(i, day, to);
};

// A lane: what it is of, and where in it one is.
const shape = lane => {
  const kind = lane.dataset.k;
  return kind === "days" ? [D.days.length, 1] : kind === "carpet" ? [widest, D.days.length] : [D.step ? D.days[0][2] : 1, 1];
};
const describe = (lane, x, y) => {
  const i = +lane.dataset.i, kind = lane.dataset.k, n = kind === "days" ? x : y, day = D.days[n];
  if (kind === "days" || !D.step) {
    return gpuName(i) + "  " + day[0] + "\nGPU " + percent(D.gpus[i].d ? series(i, 0)[n] : null) + "  VRAM " + percent(D.gpus[i].d ? series(i, 1)[n] : null) +
      "\n" + coverage(i, n) + "\n" + who(i, n, day[1], day[5], true);
  }
  if (x >= day[2]) return gpuName(i) + "  " + day[0];
  const from = day[1] + x * D.step, to = from + D.step, k = first[n] + x, o = offset(day, x);
  return gpuName(i) + "  " + clock(from, o).slice(5, 16).replace("T", " ") + "–" + clock(to, o).slice(11, 16) +
    "\nGPU " + percent(series(i, "u")[k]) + "  VRAM " + percent(series(i, "v")[k]) + "  ·  " + coverage(i, n) +
    "\n" + who(i, n, from, to, false);
};
const cursor = tag("div", "cur");
const place = (px, py) => {
  tip.hidden = false;
  const b = tip.getBoundingClientRect();
  tip.style.left = Math.max(4, Math.min(px + 14, innerWidth - b.width - 6)) + "px";
  tip.style.top = (py - b.height - 12 < 4 ? py + 22 : py - b.height - 12) + "px";
};
const at = new WeakMap();
const show = (lane, x, y, point) => {
  const [w, h] = shape(lane);
  x = Math.max(0, Math.min(w - 1, x));
  y = Math.max(0, Math.min(h - 1, y));
  at.set(lane, [x, y]);
  tip.textContent = describe(lane, x, y);
  const b = lane.getBoundingClientRect(), height = h > 1 ? b.height : lane.querySelector(".h").parentNode === lane ? 18 : b.height;
  Object.assign(cursor.style, { left: x / w * 100 + "%", width: "max(3px," + 100 / w + "%)", top: h > 1 ? y / h * 100 + "%" : 0, height: h > 1 ? "max(3px," + 100 / h + "%)" : (lane.dataset.k === "days" ? 16 : 18) + "px" });
  lane.append(cursor);
  point = point || [b.left + (x + .5) / w * b.width, b.top + y / h * height];
  place(...point);
  lane.setAttribute("aria-valuenow", y * w + x);
  lane.setAttribute("aria-valuetext", tip.textContent);
};
const hide = () => { tip.hidden = true; cursor.remove(); };
const cellOf = (lane, e) => {
  const b = lane.getBoundingClientRect(), [w, h] = shape(lane);
  return [Math.floor((e.clientX - b.left) / b.width * w), h > 1 ? Math.floor((e.clientY - b.top) / b.height * h) : 0];
};

// The lines of a GPU's day, or of its days, which break at gaps.
const path = values => {
  let d = "", pen = false;
  values.forEach((v, x) => {
    if (v == null) { pen = false; return; }
    d += (pen ? "L" : "M") + (x + .5) + " " + (100 - v / 10) + (pen || values[x + 1] != null ? "" : "h0");
    pen = true;
  });
  return d;
};
const open = lane => {
  const i = +lane.dataset.i, kind = lane.dataset.k, y = (at.get(lane) || [0, 0])[1];
  const isDays = kind === "days" || !D.step, after = lane.closest(".carpets") || lane.closest(".row");
  const key = kind + i + (kind === "carpet" ? "/" + y : ""), there = after.nextElementSibling;
  if (there && there.className === "detail") {
    there.remove();
    if (there.dataset.key === key) return;
  }
  const n = isDays ? D.days.length : D.days[y][2];
  const part = what => isDays ? series(i, what === "u" ? 0 : 1) : series(i, what).slice(first[y], first[y] + n);
  const box = tag("div", "detail"), head = tag("p", ""), close = tag("button", "", W.close);
  box.dataset.key = key;
  head.append(tag("b", "", gpuName(i) + (isDays ? "" : "  " + D.days[y][0])), close);
  close.addEventListener("click", () => { box.remove(); lane.focus(); });
  const plot = svg("svg", { class: "plot", role: "img", "aria-label": lane.getAttribute("aria-label") });
  const inner = svg("svg", { viewBox: "0 0 " + n + " 100", preserveAspectRatio: "none", width: "100%", height: "100%" });
  inner.append(svg("path", { class: "grid", d: "M0 0H" + n + "M0 50H" + n + "M0 100H" + n }));
  inner.append(svg("path", { class: "lv", d: path(part("v")) }), svg("path", { class: "lg", d: path(part("u")) }));
  plot.append(inner);
  for (const q of [100, 50]) {
    const t = svg("text", { x: 4, y: 100 - q + "%", dy: 12 });
    t.textContent = q + "%";
    plot.append(t);
  }
  const axis = svg("svg", { class: "axis", "aria-hidden": "true" }), ticks = isDays ? Math.min(n, 10) : 8;
  for (let k = 0; k < ticks; k++) {
    const cell = Math.floor(k * n / ticks), t = svg("text", { x: cell / n * 100 + "%", y: 12 });
    t.textContent = isDays ? D.days[cell][0].slice(5) : clock(D.days[y][1] + cell * D.step, offset(D.days[y], cell)).slice(11, 16);
    axis.append(t);
  }
  plot.addEventListener("pointermove", e => {
    const b = plot.getBoundingClientRect(), x = Math.floor((e.clientX - b.left) / b.width * n);
    show(lane, x, y, [e.clientX, e.clientY]);
  });
  plot.addEventListener("pointerleave", hide);
  box.append(head, plot, axis);
  after.after(box);
};

const lanes = all(".lane[data-i]");
const move = { ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowDown: [0, 1], ArrowUp: [0, -1] };
for (const lane of lanes) {
  const [w, h] = shape(lane), kind = lane.dataset.k, hour = Math.max(1, Math.round(3600 / (D.step || 3600)));
  lane.tabIndex = lane.closest(".node").querySelector(".lane[data-k=" + kind + "]") === lane ? 0 : -1;
  for (const [k, v] of [["role", "slider"], ["aria-valuemin", 0], ["aria-valuemax", w * h - 1], ["aria-valuenow", 0], ["aria-description", W.lane]]) lane.setAttribute(k, v);
  lane.addEventListener("pointermove", e => show(lane, ...cellOf(lane, e), [e.clientX, e.clientY]));
  lane.addEventListener("pointerleave", hide);
  lane.addEventListener("blur", hide);
  lane.addEventListener("click", e => { at.set(lane, cellOf(lane, e)); open(lane); });
  lane.addEventListener("keydown", e => {
    const known = at.get(lane), [x, y] = known || [-1, 0];
    const jump = { PageDown: x + hour, PageUp: x - hour, Home: 0, End: w - 1 }[e.key];
    if (e.key === "Enter") open(lane);
    else if (e.key === "Escape") hide();
    else if (jump !== undefined) show(lane, jump, y);
    else if (move[e.key]) {
      const [dx, dy] = move[e.key];
      if (dy && h === 1) {
        const same = lanes.filter(l => l.dataset.k === kind && l.offsetParent), next = same[same.indexOf(lane) + dy];
        if (next) { next.tabIndex = 0; next.focus(); show(next, Math.max(0, x), 0); }
      } else show(lane, x + dx, known ? y + dy : 0);
    } else return;
    e.preventDefault();
  });
}

// Sorting.
for (const table of all("table.users")) for (const [i, th] of all("thead th", table).entries()) {
  if (th.className === "bars") continue;
  const button = tag("button", "", th.textContent);
  button.title = W.sort;
  th.replaceChildren(button);
  button.addEventListener("click", () => {
    const up = th.getAttribute("aria-sort") === "descending" || (i === 0 && th.getAttribute("aria-sort") !== "ascending");
    for (const other of all("thead th", table)) other.removeAttribute("aria-sort");
    th.setAttribute("aria-sort", up ? "ascending" : "descending");
    const key = r => i ? +r.cells[i].dataset.v : r.cells[0].textContent;
    const rows = [...table.tBodies[0].rows].sort((a, b) => {
      const x = key(a), y = key(b), c = i ? x - y : x.localeCompare(y, document.documentElement.lang);
      return up ? c : -c;
    });
    table.tBodies[0].append(...rows);
  });
}

// Picking a user: what others held steps back.
const mask = (lane, u) => {
  const [w, h] = shape(lane), i = +lane.dataset.i, isDays = lane.dataset.k === "days";
  const mine = D.gpus[i].h.filter(([task]) => D.tasks[task][2] === u), is = (a, b) => mine.some(([, x, y]) => x + D.start < b && y + D.start > a);
  let d = "", any = false;
  for (let y = 0; y < h; y++) for (let x = 0, from = 0; x <= w; x++) {
    const day = D.days[isDays ? x : y], a = day && day[1] + (isDays ? 0 : x * D.step), hit = x < w && is(a, isDays ? day[5] : a + D.step);
    any = any || hit;
    if (hit || x === w) { if (x > from) d += "M" + from + " " + (y + .5) + "H" + x; from = x + 1; }
  }
  if (any) {
    const m = svg("svg", { class: "mask", viewBox: "0 0 " + w + " " + h, preserveAspectRatio: "none", "aria-hidden": "true" });
    m.append(svg("path", { d }));
    lane.append(m);
  } else lane.classList.add("dimmed");
};
let picked = null;
const pick = u => {
  picked = picked === u ? null : u;
  for (const r of all("tr[data-u]")) {
    const on = +r.dataset.u === picked;
    r.classList.toggle("on", on);
    r.querySelector("button").setAttribute("aria-pressed", on);
  }
  all(".mask").forEach(m => m.remove());
  for (const lane of lanes) {
    lane.classList.remove("dimmed");
    if (picked === null) continue;
    if (lane.dataset.k === "day") lane.classList.toggle("dimmed", !D.gpus[+lane.dataset.i].h.some(([task]) => D.tasks[task][2] === picked));
    else mask(lane, picked);
  }
  for (const b of all("svg.b>svg")) b.classList.toggle("dimmed", picked !== null && +b.dataset.u !== picked);
};
for (const r of all("tr[data-u]")) {
  const span = r.querySelector(".who"), button = tag("button", "who", span.textContent);
  button.title = W.pick;
  button.setAttribute("aria-pressed", false);
  r.addEventListener("click", () => pick(+r.dataset.u));
  span.replaceWith(button);
}
addEventListener("beforeprint", () => all("details.find,details.banner").forEach(d => d.open = true));
document.documentElement.dataset.ready = "1";
})();
