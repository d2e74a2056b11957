// Units: who they are, how well they answer, and every value that they gave.
import { h, icon } from "./dom.js";
import { state, now, lost, bankPath, unitPath } from "./store.js";
import {
  span, clock, count, Wh, shown, level, since, facts, scroller, units, value, age, isOld, isFresh, phase,
} from "./show.js";

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

function raw(unit) {
  const row = ([key, found]) => h("tr", h("th", { scope: "row" }, state.rows.unit[key]?.name ?? key, h("small", key)),
    h("td", { class: found.value === undefined ? "none" : isFresh(unit, key) ? "" : "old" },
      found.value === undefined ? (found.why ?? "not known") : shown(found.value, state.rows.unit[key])));
  return h("details.nums", h("summary", "All values"), scroller("Values of " + unit.name, h("table.plain.asks",
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
    questions(unit), raw(unit),
    h("p.files", h("a", { href: unitPath(unit.serial, "profile"), download: `lvx-${unit.serial}.yaml` }, "Settings as a profile"),
      h("a", { href: unitPath(unit.serial, "capture"), download: `lvx-${unit.serial}.jsonl` }, "Last traffic as a capture")));
}

export function view(bank) {
  const list = units(bank), { bridge } = bank;
  return [
    h("div.head", h("h1", "Units"), h("p.lead", "How well each unit answers, and who it is. The numbers count since the start of the bridge.")),
    list.filter((unit) => unit.link.why).map((unit) => h("p", { class: "note " + LINK[unit.link.state][0] },
      icon(LINK[unit.link.state][0]), h("span", h("b", unit.name + ": "), unit.link.why))),
    h("div.pair", list.map((unit) => one(bank, unit))),
    h("section.card", { "aria-labelledby": "h-bridge" }, h("div.top", h("h2", { id: "h-bridge" }, "Bridge"), h("span.grow"),
      h("a", { href: bankPath(), download: "bank.json" }, "All values as JSON")),
    h("div.half", facts([["Runs for", since(bridge.since)], ["Since", clock(bridge.since)]]),
      facts([["Version", bridge.version], ["Logged in as", state.access.session ? h("span", state.access.name, " ", h("a", { href: "login" }, "Log out"))
        : h("a", { href: "login" }, "Log in")]]))),
  ];
}
