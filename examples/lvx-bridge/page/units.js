// Units and battery packs: who they are, how well they answer, and every value that they gave.
import { h, icon } from "./dom.js";
import { state, now, lost, bankPath, unitPath } from "./store.js";
import {
  span, clock, when, count, Wh, shown, level, since, facts, scroller, units, value, age, isOld, isFresh, phase, NONE,
} from "./show.js";
import { lines } from "./overview.js";

const LINK = { up: ["ok", "answers"], down: ["error", "gone"], starting: ["starting", "being identified"] };
const millis = (ms) => ms < 1000 ? Math.round(ms) + "\u202fms" : (ms / 1000).toFixed(2) + "\u202fs";

/** Says how far the clock of the unit is off. A virtual unit has its own time. */
function clockOf(unit) {
  const off = value(unit, "clock_offset");
  if (off === undefined) return null;
  return Math.abs(off) < 5 ? "right" : span(Math.abs(off)) + (off > 0 ? " fast" : " slow");
}

function questions(unit) {
  const row = ([name, group]) => {
    const seconds = age(unit, name), old = seconds !== null && isOld(unit, name);
    return h("tr", h("th", { scope: "row" }, group.what, h("small", name)),
      h("td", { class: seconds === null ? "none" : old ? "old" : "" },
        seconds === null ? (group.why ?? "not read yet") : [old ? icon("old") : null, span(seconds), old ? h("span.sr", ", too old") : null]));
  };
  return h("details.nums", h("summary", "What is asked, and the age of the answers"), scroller("Answers of " + unit.name, h("table.plain.asks",
    h("thead", h("tr", h("th", { scope: "col" }, "Answer"), h("th", { scope: "col" }, "Age"))),
    h("tbody", Object.entries(unit.groups).map(row)))));
}

function raw(unit, rows, title) {
  const row = ([key, found]) => h("tr", h("th", { scope: "row" }, rows[key]?.name ?? key, h("small", key)),
    h("td", { class: found.value === undefined ? "none" : isFresh(unit, key) ? "" : "old" },
      found.value === undefined ? (found.why ?? "not known") : shown(found.value, rows[key])));
  return h("details.nums", h("summary", title), scroller("Values of " + unit.name, h("table.plain.asks",
    h("thead", h("tr", h("th", { scope: "col" }, "Name"), h("th", { scope: "col" }, "Value"))),
    h("tbody", Object.entries(unit.values).map(row)))));
}

function one(bank, unit) {
  const [sign, word] = lost() ? ["old", "not known now"] : LINK[unit.link.state];
  const { counts, latency_ms: latency } = unit.link, others = units(bank).filter((other) => other !== unit);
  const failed = counts.timeouts + counts.unreadable;
  const firmware = (key) => {
    const own = value(unit, key), other = others.map((unit) => value(unit, key)).find((text) => text !== undefined && text !== own);
    return own === undefined ? null : h("span", own, other ? h("small", " ≠ " + other) : "");
  };
  return h("section.card.unit", { "aria-labelledby": "u-" + unit.serial },
    h("div.top", h("h2", { id: "u-" + unit.serial }, unit.name), h("span.grow"), level(sign, word)),
    facts([["Serial number", h("span.num", unit.serial)], ["Place in the bank", value(unit, "parallel_instance")],
      phase(unit) ? ["Phase", phase(unit).replace("phase ", "")] : null,
      ["Rated", value(unit, "rated_power") === undefined ? null : shown(value(unit, "rated_power"), state.rows.unit.rated_power)],
      ["Main firmware", firmware("firmware_main")], ["Slave firmware", firmware("firmware_slave1")],
      ["Clock", clockOf(unit)], ["Made since new", value(unit, "pv_energy") === undefined ? null : Wh(value(unit, "pv_energy"))]]),
    h("h3", "Link"),
    facts([["Address", h("code", unit.link.address)], [unit.link.state === "down" ? "Gone for" : "Open for", since(unit.link.since)],
      unit.link.why ? ["Reason", unit.link.why] : null,
      unit.link.state === "down" && unit.link.retry_at ? ["Next attempt", "in " + span(Math.max(0, unit.link.retry_at - now()))] : null,
      ["Answer time", latency === undefined ? null : millis(latency)], ["Asked", count(counts.exchanges)],
      ["Failed", h("span", count(failed), failed ? h("small", ` ${counts.timeouts} without answer, ${counts.unreadable} damaged`) : "")],
      ["Refused", count(counts.refusals)], ["Connected", count(counts.connects)]]),
    questions(unit), raw(unit, state.rows.unit, "All values"),
    h("p.files", h("a", { href: unitPath(unit.serial, "profile"), download: `lvx-${unit.serial}.yaml` }, "Settings as a profile"),
      h("a", { href: unitPath(unit.serial, "capture"), download: `lvx-${unit.serial}.jsonl` }, "Last traffic as a capture")));
}

const cellOf = (place) => (volts, row, pack) => shown(volts, row) + (value(pack, place) ? " · cell " + value(pack, place) : "");
const TEMPERATURES = ["board_temperature", "temperature_1", "temperature_2"];

/** Rows of packs: the key, the text of a value unless it is the usual one, and a label if the name of the key is not right. */
const PACK_ROWS = [
  ["status"], ["voltage"],
  ["current", (a, row) => shown(Math.abs(a), row) + (a > 0 ? " in" : a < 0 ? " out" : "")],
  ["state_of_charge"],
  ["highest_cell_voltage", cellOf("highest_cell")], ["lowest_cell_voltage", cellOf("lowest_cell")], ["cell_voltage_spread"],
  [TEMPERATURES[0], (_, row, pack) => shown(Math.max(...TEMPERATURES.map((key) => value(pack, key)).filter((t) => t !== undefined)), row),
    "Highest temperature"],
  ["warnings"], ["protections"],
];

/** Returns the age in seconds of the values of a pack, which are read together; null if there are none. */
const ageOfPack = (pack) => value(pack, "voltage") === undefined ? null : now() - (pack.values.voltage.at ?? now());

/** Says how old the values of a pack are, or since when there are none. */
function stateOfPack(pack) {
  const { link, values } = pack, seconds = ageOfPack(pack);
  const old = (text) => h("span.age.old", icon("old"), text);
  if (link.state === "down" && !lost()) {
    return old("silent for " + since(link.since) + (seconds === null ? "" : ", last read " + clock(now() - seconds)));
  }
  if (seconds === null) return values.voltage?.status === "failed" ? old("not read") : h("span.age", "not read yet");
  return isFresh(pack, "voltage") ? h("span.age", `read ${span(seconds)} ago`) : old(span(seconds) + " old");
}

function packCell(pack, [key, text = shown]) {
  const found = value(pack, key);
  if (found === undefined) return h("td.none", NONE, h("span.sr", " not known"));
  const content = lines(text(found, state.rows.pack[key], pack));
  return isFresh(pack, key) ? h("td", content) : h("td.old", content, h("span.sr", `, ${span(ageOfPack(pack) ?? 0)} old`));
}

function packs(bank) {
  const list = Object.values(bank.packs ?? {}).sort((a, b) => a.n - b.n);
  if (!list.length) return null;
  const open = bank.findings.filter(({ rule, ack }) => rule.startsWith("pack-") && !ack);
  const worst = ["error", "warning", "info"].find((name) => open.some((finding) => finding.level === name));
  const label = ([key, , own]) => own ?? state.rows.pack[key]?.name ?? key;
  const head = (scope) => (pack) => h("th", { scope }, pack.name, stateOfPack(pack));
  const why = (pack) => pack.link.why ?? pack.values.voltage?.why;
  return h("section.card.unitsx.packs", { "aria-labelledby": "h-packs" },
    h("div.top", h("h2", { id: "h-packs" }, "Battery packs"), h("span.grow"),
      worst ? h("a", { href: "#/findings" }, level(worst, open.length === 1 ? "1 finding" : open.length + " findings")) : null),
    scroller("Values of the battery packs", list.length > 4
      ? h("table.plain.many",
        h("thead", h("tr", h("th", { scope: "col" }, "Pack"), PACK_ROWS.map((row) => h("th", { scope: "col" }, label(row))))),
        h("tbody", list.map((pack) => h("tr", head("row")(pack), PACK_ROWS.map((row) => packCell(pack, row))))))
      : h("table", { class: "side n" + list.length },
        h("thead", h("tr", h("td"), list.map(head("col")))),
        h("tbody", PACK_ROWS.map((row) => h("tr", h("th", { scope: "row" }, label(row)), list.map((pack) => packCell(pack, row))))))),
    list.filter(why).map((pack) => h("p.note.error", icon("error"), h("span", h("b", pack.name),
      pack.link.state === "down" ? ` has been silent since ${when(pack.link.since, now())}` : "", ": ", why(pack)))),
    list.map((pack) => raw(pack, state.rows.pack, "All values of " + pack.name)));
}

export function view(bank) {
  const list = units(bank), { bridge } = bank;
  return [
    h("div.head", h("h1", "Units"), h("p.lead", "How well each unit answers, and who it is. The numbers count since the start of the bridge.")),
    list.filter((unit) => unit.link.why).map((unit) => h("p", { class: "note " + LINK[unit.link.state][0] },
      icon(LINK[unit.link.state][0]), h("span", h("b", unit.name + ": "), unit.link.why))),
    h("div.pair", list.map((unit) => one(bank, unit))),
    packs(bank),
    h("section.card", { "aria-labelledby": "h-bridge" }, h("div.top", h("h2", { id: "h-bridge" }, "Bridge"), h("span.grow"),
      h("a", { href: bankPath(), download: "bank.json" }, "All values as JSON")),
    h("div.half", facts([["Runs for", since(bridge.since)], ["Since", clock(bridge.since)]]),
      facts([["Version", bridge.version], ["Logged in as", state.access.session ? h("span", state.access.name, " ", h("a", { href: "login" }, "Log out"))
        : h("a", { href: "login" }, "Log in")]]))),
  ];
}
