// What comes from the history: the chart of power and charge, and the energy of today and yesterday. Nothing is drawn
// where nothing was read.
import { h, say } from "./dom.js";
import { state, history, now, changed, lost } from "./store.js";
import {
  W, percent, clock, when, day, month, months, multiples, NONE, totals, scroller, num, energy, Wh, span, units, value,
  fresh, isFresh,
} from "./show.js";

/** Ranges: seconds, label, step of the points in words of the API and in seconds. */
const RANGES = [
  [86400, "24 h", "5min", 300],
  [7 * 86400, "7 days", "30min", 1800],
  [30 * 86400, "30 days", "2h", 7200],
  [365 * 86400, "1 year", "day", 86400],
];
const SERIES = [
  { key: "pv_power", name: "Sun", className: "sun", text: W },
  { key: "load_power", name: "Load", className: "load", text: W },
  { key: "state_of_charge", name: "Battery", className: "battery", text: (value) => percent(Math.round(value)) },
];

let range = 0;
/** What was read, by range, and why nothing could be read. */
const known = {};
let reason = "", isReading = false, tried = 0;
let plot = null, place = null, drawn = null, width = 0;

const hasPlots = () => typeof uPlot === "function";
const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

/** Returns columns of equal length; null where nothing was read. */
export function columns(answer) {
  const { t, series, from, to } = answer;
  const column = (key) => series.find((other) => other.series === key)?.mean ?? t.map(() => null);
  return { t, values: SERIES.map(({ key }) => column(key)), from, to, got: now() };
}

async function read() {
  if (isReading) return;
  isReading = true;
  tried = now();
  const [seconds, , step] = RANGES[range], own = range, to = Math.ceil(now());
  try {
    known[own] = columns(await history({ series: SERIES.map(({ key }) => key).join(","), from: to - seconds, to, step }));
    reason = "";
  } catch (error) {
    reason = error.message;
  } finally {
    isReading = false;
  }
  changed();
}

/** Returns the times in which no series has a value. */
function gaps(data) {
  const list = [];
  let from = null;
  data.t.forEach((time, i) => {
    const isEmpty = data.values.every((column) => column[i] === null);
    if (isEmpty && from === null) from = data.t[Math.max(0, i - 1)];
    if (!isEmpty && from !== null) {
      list.push([from, time]);
      from = null;
    }
  });
  if (from !== null) list.push([from, data.to]);
  return list;
}

function hatch(u) {
  const { ctx, bbox } = u, px = devicePixelRatio;
  ctx.save();
  for (const [from, to] of gaps(drawn)) {
    const left = Math.max(bbox.left, u.valToPos(from, "x", true));
    const right = Math.min(bbox.left + bbox.width, u.valToPos(to, "x", true));
    if (right <= left) continue;
    ctx.save();
    ctx.beginPath();
    ctx.rect(left, bbox.top, right - left, bbox.height);
    ctx.clip();
    ctx.strokeStyle = css("--hatch");
    ctx.lineWidth = px;
    for (let x = left - bbox.height; x < right; x += 7 * px) {
      ctx.beginPath();
      ctx.moveTo(x, bbox.top + bbox.height);
      ctx.lineTo(x + bbox.height, bbox.top);
      ctx.stroke();
    }
    ctx.restore();
    ctx.font = `${12 * px}px ${css("--font")}`;
    ctx.textAlign = "center";
    const label = "no data", half = ctx.measureText(label).width / 2 + 5 * px;
    if (right - left < 2 * half) continue;
    const x = (left + right) / 2, y = bbox.top + 14 * px;
    ctx.fillStyle = css("--card");
    ctx.fillRect(x - half, y - 10 * px, 2 * half, 18 * px);
    ctx.fillStyle = css("--mute");
    ctx.fillText(label, x, y + 4 * px);
  }
  ctx.restore();
}

function options(data, el) {
  const isNarrow = el.clientWidth < 560, [seconds] = RANGES[range];
  const font = `12px ${css("--font")}`, ticks = { show: false };
  const top = Math.max(1000, ...data.values[0].filter(Boolean), ...data.values[1].filter(Boolean));
  const step = [250, 500, 1000, 2000, 2500, 5000, 10000].find((size) => top / size <= 4.2) ?? 20000;
  const max = Math.ceil(top * 1.04 / step) * step;
  const every = { 86400: isNarrow ? 21600 : 10800, 604800: 86400, 2592000: isNarrow ? 604800 : 259200 }[seconds];
  const label = (time) => seconds <= 86400 ? clock(time)
    : seconds > 3e6 ? month(time) : day(time) + (isNarrow && seconds < 7e5 ? "" : " " + month(time));
  const times = () => every ? multiples(data.from, data.to - every / 12, every) : months(data.from, data.to);
  const powers = () => Array.from({ length: max / step + 1 }, (_, i) => i * step);
  const line = (scale, stroke, more) => ({ scale, stroke: () => css(stroke), points: { show: false }, ...more });
  return {
    width: el.clientWidth, height: isNarrow ? 220 : 280, padding: [10, 0, 0, 0], legend: { show: false },
    cursor: { y: false, drag: { x: false, y: false }, points: { size: 7, width: 2, stroke: (u, i) => u.series[i].stroke(), fill: css("--card") } },
    scales: { x: { time: false, range: () => [data.from, data.to] }, power: { range: [0, max * 1.03] }, charge: { range: [0, 103] } },
    axes: [
      { scale: "x", stroke: css("--mute"), font, ticks, grid: { show: false }, gap: 6, size: 28, splits: times, values: (u, list) => list.map(label) },
      { scale: "power", stroke: css("--mute"), font, ticks, grid: { stroke: css("--line"), width: 1 }, gap: 6, size: isNarrow ? 44 : 56, splits: powers,
        values: (u, list) => list.map((w) => w === 0 ? "0" : w / 1000 + "\u202fkW") },
      { scale: "charge", side: 1, stroke: css("--battery"), font, ticks, grid: { show: false }, gap: 6, size: isNarrow ? 42 : 50,
        splits: () => [0, 25, 50, 75, 100], values: (u, list) => list.map((p) => p + "\u202f%") },
    ],
    series: [{}, line("power", "--sun-line", { width: 1.5, fill: () => css("--sun-soft") }), line("power", "--load", { width: 2 }),
      line("charge", "--battery", { width: 2.25, dash: [7, 5] })],
    hooks: { drawClear: [hatch], setCursor: [(u) => legend(u.cursor.idx)] },
  };
}

/** Shows the values at a point, or those of now. */
function legend(index) {
  const el = document.getElementById("legend");
  if (!el) return;
  const isNow = index === null || index === undefined, sums = totals(state.bank);
  el.querySelector("[data-series=time]").textContent = isNow ? (lost() ? "Last" : "Now") : when(drawn.t[index], now());
  const present = [sums?.solar, sums?.load, sums?.battery.charge];
  SERIES.forEach(({ key, text }, i) => {
    const found = isNow ? present[i] : drawn.values[i][index];
    el.querySelector(`[data-series=${key}] b`).textContent = found === undefined || found === null ? (isNow ? NONE : "no data") : text(found);
  });
}

function keys(event) {
  if (!plot || !["ArrowLeft", "ArrowRight", "Home", "End"].includes(event.key)) return;
  event.preventDefault();
  const last = drawn.t.length - 1, at = plot.cursor.idx ?? last, step = event.shiftKey ? 12 : 1;
  const next = { Home: 0, End: last, ArrowLeft: Math.max(0, at - step), ArrowRight: Math.min(last, at + step) }[event.key];
  plot.setCursor({ left: plot.valToPos(drawn.t[next], "x"), top: 10 });
  const texts = SERIES.map(({ name, text }, i) => {
    const found = drawn.values[i][next];
    return `${name} ${found === null ? "no data" : text(found)}`;
  });
  say(`${when(drawn.t[next], now())}: ${texts.join(", ")}`);
}

function table(data) {
  const step = Math.max(1, Math.round(data.t.length / 24));
  const rows = data.t.map((time, i) => i).filter((i) => i % step === 0);
  return scroller("Power and charge as numbers", h("table.plain",
    h("thead", h("tr", ["Time", ...SERIES.map(({ name }) => name)].map((name) => h("th", { scope: "col" }, name)))),
    h("tbody", rows.map((i) => h("tr", h("th", { scope: "row" }, when(data.t[i], now())),
      SERIES.map(({ text }, column) => {
        const found = data.values[column][i];
        return h("td", found === null ? "no data" : text(found));
      }))))));
}

export function chart() {
  const data = known[range];
  const choose = (index) => {
    range = index;
    reason = "";
    tried = 0;
    changed();
  };
  return h("section.card.chart", { "aria-labelledby": "h-chart" },
    h("div.top", h("h2", { id: "h-chart" }, "Power and charge"),
      h("div.seg", { role: "group", "aria-label": "Time shown" }, RANGES.map(([, label], i) =>
        h("button", { type: "button", "aria-pressed": String(range === i), onclick: () => choose(i) }, label)))),
    h("div", { id: "legend", class: "legend", "data-own": true }, h("span.lt", { "data-series": "time" }, "Now"),
      SERIES.map(({ key, name, className }) => h("span.lg", { "data-series": key }, h("i", { class: className }), name, " ", h("b", "")))),
    !data ? h("p.empty", { id: "no-history" }, reason ? `There is no history to draw: ${reason}.` : "Reading the history…")
      : hasPlots() ? h("div", {
        id: "plot", class: "plot", "data-own": true, tabindex: "0", role: "img", onkeydown: keys,
        "aria-label": "Chart of power from the sun, load and state of charge. The arrow keys read out a point in time. The numbers are in the table below.",
      }) : [SERIES.map(({ className }, i) => sparkline(data.values[i], className)),
        h("p.dim", { id: "no-plots" }, "For plots, run ", h("code", "npm ci"), " in ", h("code", "examples/lvx-bridge/page"), " before the bridge is built.")],
    data ? h("details.nums", { open: hasPlots() ? null : true }, h("summary", "As numbers"), table(data)) : null);
}

/** Reads what is missing, and draws if the place is there. */
export function update(isForced) {
  updateDays();
  if (!document.getElementById("legend")) {
    plot?.destroy();
    plot = place = drawn = null;
    return;
  }
  const data = known[range];
  const isDue = data ? now() - data.got > Math.max(60, RANGES[range][3] / 2) : true;
  if (isDue && !lost() && now() - tried > RETRY) read();
  const el = document.getElementById("plot");
  if (el && data && (isForced || place !== el || drawn !== data || width !== el.clientWidth)) {
    plot?.destroy();
    el.textContent = "";
    drawn = data;
    place = el;
    width = el.clientWidth;
    plot = new uPlot(options(data, el), [data.t, ...data.values], el);
  }
  if (!plot || plot.cursor.idx === null || plot.cursor.idx === undefined) legend(null);
}

matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => { if (state.bank) update(true); });

const RETRY = 30;

const WIDTH = 600, HEIGHT = 48;

/** Draws points; null is a gap, in which nothing is drawn. */
export function sparkline(values, className) {
  const known = values.filter((value) => value !== null);
  const min = Math.min(0, ...known), max = Math.max(1, ...known);
  const x = (i) => values.length < 2 ? 0 : i / (values.length - 1) * WIDTH;
  const y = (value) => HEIGHT - 2 - (value - min) / (max - min) * (HEIGHT - 4);
  let d = "", isOpen = false;
  values.forEach((value, i) => {
    if (value === null) isOpen = false;
    else {
      d += `${isOpen ? "L" : "M"}${x(i).toFixed(1)} ${y(value).toFixed(1)}`;
      // A point between two gaps would be invisible.
      if (!isOpen && (values[i + 1] ?? null) === null) d += "h1";
      isOpen = true;
    }
  });
  return h("svg", { class: "spark " + className, viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none", "aria-hidden": "true" },
    h("path", { d }));
}

/** Days of the history, and when they were read. */
let days = null, daysTried = 0, areDaysRead = false;

/** Reads the days again every few minutes while they are shown. */
async function updateDays() {
  if (areDaysRead || lost() || state.route !== "overview" || now() - daysTried < DAYS_PERIOD) return;
  areDaysRead = true;
  daysTried = now();
  try {
    days = await history({ series: "pv_energy_today,load_power,battery_power", from: "-2d", step: "day" });
    changed();
  } catch {
    // Without a history, the counters are shown alone. The chart says why there is none.
    days = null;
  } finally {
    areDaysRead = false;
  }
}

/** Returns the energies of a day, counted from the last one; undefined for what is not known. */
function ofDay(back) {
  const index = days ? days.t.length - 1 - back : -1;
  const of = (key, list) => days?.series.find(({ series }) => series === key)?.energy?.[list]?.[index] ?? undefined;
  return {
    solar: of("pv_energy_today", "wh"), load: of("load_power", "wh"),
    charged: of("battery_power", "wh"), discharged: of("battery_power", "negative_wh"), seconds: of("load_power", "seconds"),
    begin: days?.t[index],
  };
}

export function today(bank) {
  const list = units(bank), total = bank.values.pv_energy_today;
  const known = list.map((unit) => fresh(unit, "pv_energy_today")).filter((wh) => wh !== undefined);
  const solar = total?.status === "fresh" ? total.value : known.length ? known.reduce((a, b) => a + b, 0) : undefined;
  const isRead = list.some((unit) => value(unit, "pv_energy_today") !== undefined);
  const now_ = ofDay(0), before = ofDay(1), missing = list.length - known.length;
  const rows = [["sun", "Sun", solar, before.solar, lost() || solar === undefined], ["load", "Load", now_.load, before.load, lost()],
    ["battery", "Into the battery", now_.charged, before.charged, lost()],
    ["battery", "Out of the battery", now_.discharged, before.discharged, lost()]]
    .filter(([key, , wh, was]) => key === "sun" || wh !== undefined || was !== undefined);
  const most = Math.max(1, ...rows.map(([, , wh]) => wh ?? 0)), hasDays = days !== null;
  // A value of the present day is computed from what was read of it.
  const unread = now_.seconds === undefined ? 0 : now() - now_.begin - now_.seconds;
  const shares = list.length > 1 && list.length <= 4 && !hasDays;
  const counter = (key) => bank.values[key]?.value;
  return h("section.card.today", { "aria-labelledby": "h-today" },
    h("div.top", h("h2", { id: "h-today" }, "Energy today"), h("span.grow"), hasDays ? h("span.dim.yd", "yesterday") : null),
    !isRead ? h("p.empty", "The counters are read within the first minutes.") : [
      h("dl.sums", rows.map(([key, name, wh, was, isOld]) => h("div", { class: "s-" + key }, h("dt", name),
        h("dd", { class: isOld ? "old" : "", "data-energy": key }, num(energy(wh))),
        hasDays ? h("dd.was", h("span", "yesterday "), was === undefined ? NONE : Wh(was)) : null,
        h("i", { "aria-hidden": "true", css: { "--w": (100 * (wh ?? 0) / most).toFixed(1) + "%" } }))),
      shares ? list.map((unit) => h("div.s-sun", h("dt", unit.name),
        h("dd", { class: isFresh(unit, "pv_energy_today") ? "" : "old" }, num(energy(value(unit, "pv_energy_today")))),
        h("i", { "aria-hidden": "true", css: { "--w": (100 * (value(unit, "pv_energy_today") ?? 0) / most).toFixed(1) + "%" } }))) : null),
      missing && known.length && total?.status !== "fresh" ? h("p.foot", `Without ${missing} of ${list.length} units, whose counters are not known now.`) : null,
      rows.length > 1 ? h("p.foot", "Load and battery are computed by the bridge.",
        unread > 300 ? ` ${span(unread)} of today were not read.` : "")
        : counter("battery_charge_energy") !== undefined ? h("p.foot", "Battery since the bridge began to count: ",
          Wh(counter("battery_charge_energy")), " in, ", Wh(counter("battery_discharge_energy")), " out, computed.") : null]);
}

const DAYS_PERIOD = 120;
