// Reads values from the document of a bank, and writes them as people read them: a narrow space before the unit, three
// figures where power is large, ages in words.
import { h, icon } from "./dom.js";
import { now, lost, state } from "./store.js";

const SPACE = "\u202f";
export const NONE = "–";

const isNone = (value) => value === null || value === undefined;

/** Pairs of a number and its unit. */
export const watts = (w) => isNone(w) ? [NONE, ""]
  : Math.abs(w) < 1000 ? [String(Math.round(w)), "W"]
    : [(w / 1000).toFixed(Math.abs(w) < 9995 ? 2 : 1), "kW"];
export const energy = (wh) => isNone(wh) ? [NONE, ""]
  : Math.abs(wh) < 1e6 ? [(wh / 1000).toFixed(1), "kWh"] : [(wh / 1e6).toFixed(2), "MWh"];
export const fixed = (value, digits, unit) => isNone(value) ? [NONE, ""] : [value.toFixed(digits), unit];

export const text = ([number, unit]) => unit ? number + SPACE + unit : number;
/** A pair whose unit is written smaller. */
export const num = ([number, unit], className = "") =>
  h("span", { class: "num " + className }, number, unit && h("span.unit", SPACE + unit));
/** Power that is computed from whole amperes: two figures are enough. */
export const about = (w) => "≈" + SPACE +
  (w < 1000 ? Math.round(w / 10) * 10 + SPACE + "W" : (w / 1000).toFixed(1) + SPACE + "kW");

export const W = (w) => text(watts(w));
export const Wh = (wh) => text(energy(wh));
export const V = (v) => text(fixed(v, 1, "V"));
export const A = (a) => text(fixed(a, 0, "A"));
export const Hz = (f) => text(fixed(f, 1, "Hz"));
export const percent = (p) => text(fixed(p, 0, "%"));
export const celsius = (t) => text(fixed(t, 0, "°C"));
export const count = (n) => isNone(n) ? NONE : String(n).replace(/\B(?=(\d{3})+$)/g, SPACE);

/** A value of the API by its row in `/api/v1/entities`. */
export function shown(value, row) {
  if (isNone(value)) return NONE;
  if (typeof value === "boolean") return value ? "on" : "off";
  if (typeof value === "number") return text([value.toFixed(row?.decimals ?? 0), row?.unit ?? ""]);
  return String(value);
}

/** A value of a setting in words: the API writes `solar_first`. */
export const words = (value) => /^[a-z_]+$/.test(value ?? "") ? value.replaceAll("_", " ") : value ?? NONE;

/** Returns a length of time: "8 s", "3 min", "2 h 5 min", "6 days". */
export function span(seconds) {
  seconds = Math.max(0, Math.round(seconds));
  if (seconds < 90) return seconds + SPACE + "s";
  const minutes = Math.round(seconds / 60);
  if (minutes < 90) return minutes + SPACE + "min";
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return hours + SPACE + "h" + (minutes % 60 && hours < 12 ? " " + (minutes % 60) + SPACE + "min" : "");
  return Math.round(hours / 24) + SPACE + "days";
}

// Times are shown in the time of the bridge, wherever the browser is.
let offset = 0, zone = null, parts = null, offsets = new Map();
/** Sets the time zone of the bridge, and its present offset for browsers that do not know the zone. */
export function setZone(name, seconds) {
  if (name === zone && seconds === offset) return;
  zone = name;
  offset = seconds;
  offsets = new Map();
  try {
    parts = name ? new Intl.DateTimeFormat("en-US", { timeZone: name, hourCycle: "h23", year: "numeric", month: "numeric",
      day: "numeric", hour: "numeric", minute: "numeric" }) : null;
  } catch {
    parts = null;
  }
}
/** Returns the offset from UTC in seconds at a time, which changes with summer time. */
export function offsetAt(unix) {
  if (!parts) return offset;
  const quarter = Math.floor(unix / 900) * 900;
  if (!offsets.has(quarter)) {
    if (offsets.size > 5000) offsets.clear();
    const p = Object.fromEntries(parts.formatToParts(quarter * 1000).map(({ type, value }) => [type, Number(value)]));
    offsets.set(quarter, Date.UTC(p.year, p.month - 1, p.day, p.hour, p.minute) / 1000 - quarter);
  }
  return offsets.get(quarter);
}
const local = (unix) => new Date((unix + offsetAt(unix)) * 1000);
/** Returns the times at which the local time is a multiple of `every` seconds. */
export function multiples(from, to, every) {
  const list = [];
  for (let t = Math.ceil((from + offsetAt(from)) / every) * every; ; t += every) {
    const unix = t - offsetAt(t - offsetAt(from));
    if (unix > to) return list;
    // An hour that does not exist, or exists twice, has no mark of its own.
    if (unix >= from && unix !== list.at(-1)) list.push(unix);
  }
}
/** Returns the starts of the local months. */
export function months(from, to) {
  const first = local(from), list = [];
  for (let i = 1; ; i++) {
    const start = Date.UTC(first.getUTCFullYear(), first.getUTCMonth() + i, 1) / 1000;
    const unix = start - offsetAt(start - offsetAt(from));
    if (unix > to) return list;
    list.push(unix);
  }
}
const two = (n) => String(n).padStart(2, "0");
const DAYS = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

export function clock(unix, withSeconds) {
  const time = local(unix);
  return two(time.getUTCHours()) + ":" + two(time.getUTCMinutes()) + (withSeconds ? ":" + two(time.getUTCSeconds()) : "");
}
export function date(unix) {
  const time = local(unix);
  return time.getUTCFullYear() + "-" + two(time.getUTCMonth() + 1) + "-" + two(time.getUTCDate());
}
export const day = (unix) => local(unix).getUTCDate();
export const month = (unix) => MONTHS[local(unix).getUTCMonth()];
/** Returns the time alone within 18 hours, otherwise also the day. */
export const when = (unix, now) => now - unix < 64800 ? clock(unix)
  : now - unix < 5 * 86400 ? DAYS[local(unix).getUTCDay()] + " " + clock(unix)
    : date(unix) + " " + clock(unix);

export const units = (bank) => bank.order.map((serial) => bank.units[serial]);
export const tail = (serial) => "…" + serial.slice(-4);

/** Returns the value of a unit; undefined if it was never read. It may be old, see `isFresh`. */
export const value = (unit, key) => unit.values[key]?.value;
export const isFresh = (unit, key) => unit.values[key]?.status === "fresh" && unit.link.state !== "down" && !lost();
/** Returns the value of a unit if it is fresh. */
export const fresh = (unit, key) => isFresh(unit, key) ? unit.values[key].value : undefined;

/** Returns the age in seconds of a group of values, such as `GS`; null if it was never read. */
export function age(unit, group) {
  const at = unit.groups[group]?.at;
  return at === undefined ? null : now() - at;
}

/** Returns whether a group of values is too old. */
export const isOld = (unit, group) =>
  unit.groups[group]?.status !== "fresh" || unit.link.state === "down" || lost();

const average = (list) => list.reduce((sum, x) => sum + x, 0) / list.length;

/**
 * Returns the sums of the bank. While all units have fresh values, they are those of the API. Otherwise they are sums
 * over the units that have, which the page says; null if there are none.
 */
export function totals(bank) {
  const all = units(bank);
  // What is kept while the bridge is silent is shown as old, but not as nothing.
  const has = (unit) => unit.values.active_power?.status === "fresh" && unit.link.state !== "down";
  const live = all.filter(has);
  if (!live.length) return null;
  const isWhole = live.length === all.length;
  const list = (key) => live.map((unit) => value(unit, key)).filter((x) => x !== undefined);
  const sum = (key) => list(key).reduce((total, x) => total + x, 0);
  const ofBank = (key, partial) => isWhole && bank.values[key]?.status === "fresh" ? bank.values[key].value : partial();
  const solar = ofBank("pv_power", () => sum("pv_power"));
  const load = ofBank("load_power", () => sum("active_power"));
  const battery = ofBank("battery_power", () => sum("battery_power"));
  const rated = sum("rated_power");
  const directions = list("line_direction");
  const isGridUsed = directions.some((direction) => direction !== "idle");
  const volts = list("battery_voltage");
  return {
    live,
    missing: all.filter((unit) => !has(unit)),
    solar,
    strings: live.flatMap((unit) => [value(unit, "pv1_power"), value(unit, "pv2_power")]).filter((w) => w >= 5).length,
    load,
    rated,
    loadPercent: rated ? 100 * load / rated : null,
    battery: {
      power: battery,
      current: ofBank("battery_current", () => sum("battery_current")),
      voltage: volts.length ? Math.min(...volts) : undefined,
      maxVoltage: volts.length ? Math.max(...volts) : undefined,
      charge: ofBank("state_of_charge", () => list("state_of_charge").length ? average(list("state_of_charge")) : undefined),
    },
    grid: {
      isUsed: isGridUsed,
      isOutput: directions.includes("output"),
      // Units do not measure it: it is what the others leave.
      power: isGridUsed ? Math.abs(load + battery - solar) : 0,
      voltage: list("grid_voltage").find((v) => v > 20),
      frequency: list("grid_frequency").find((f) => f > 0),
    },
  };
}

/** Returns the active warnings of a unit, with the names of the API. */
export const warnings = (unit, rows) => Object.entries(unit.values)
  .filter(([key, found]) => key.startsWith("warning_") && found.value === true)
  .map(([key]) => (rows[key]?.name ?? key).replace(/^Warning: /, ""));

/** Returns the phase of a unit in a split-phase or three-phase bank: `phase 1 of 3`; null in other banks. */
export function phase(unit) {
  const mode = value(unit, "output_mode");
  return typeof mode === "string" && mode.startsWith("phase") ? mode : null;
}

export const WORD = { ok: "Healthy", info: "Note", warning: "Warning", error: "Error", starting: "Starting" };
export const level = (name, word) => h("span", { class: "level " + name }, icon(name), word ?? WORD[name]);
export const since = (unix) => span(now() - unix);

/** Says how old the values of a unit are. Old ones have a sign and words, not only a colour. */
export function ageOf(unit, group) {
  const seconds = age(unit, group);
  if (seconds === null) return h("span.age", "not read yet");
  if (unit.link.state === "down") {
    return h("span.age.old", icon("old"), "gone, last read " + clock(unit.groups[group].at));
  }
  return isOld(unit, group) ? h("span.age.old", icon("old"), span(seconds) + " old")
    : h("span.age", `read ${span(seconds)} ago`);
}

/** Returns the worst level of the findings that nobody acknowledged. */
export const worst = (bank) => ["error", "warning", "info"]
  .find((name) => bank.findings.some((finding) => !finding.ack && finding.level === name)) ?? null;

/** Shows why the last request at a place failed. */
export const failure = (place, what) => state.errors[place]
  ? h("p.bad", { role: "alert" }, icon("error"), `${what}: ${state.errors[place]}`) : null;

/** Leads to the login form, or says which token is needed. */
export const loginFor = (what) => h("p.dim",
  h("a", { href: "login" }, "Log in"), ` with a token that allows to ${what}.`);

/** A list of names and values. */
export const facts = (rows) => h("dl.facts", rows.filter(Boolean).map(([name, content, className]) =>
  h("div", { class: className || "" }, h("dt", name), h("dd", content ?? "–"))));

/** A box that scrolls sideways, also with the keyboard. */
export const scroller = (label, content) =>
  h("div.scroll", { tabindex: "0", role: "region", "aria-label": label }, content);
