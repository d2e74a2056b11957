// What a person wants to know at a glance: the verdict, the power flow, and the units side by side.
import { h, icon, patch } from "./dom.js";
import { state, now, lost } from "./store.js";
import {
  clock, span, when, ageOf, since, loginFor, units, totals, age, W, V, A, Hz, percent, num, watts, fixed, about,
  celsius, NONE, level, scroller, value, isFresh, isOld, tail, warnings, phase,
} from "./show.js";
import { chart, today } from "./history.js";

function verdict(bank) {
  const { level, title, detail, step, finding, since: start } = bank.verdict;
  if (lost()) {
    return h("section.verdict.lost", { "aria-label": "Verdict" }, icon("old", "vi"), h("div.vt",
      h("h1", "No word from the bridge for " + span(now() - bank.now)),
      h("p", `Everything below is as it was at ${clock(bank.now, true)}. This page keeps trying.`),
      state.problem === "login" ? loginFor("read") : h("p.first", h("b", "Do first: "),
        state.problem === null || state.problem === "lost" || state.problem === "paused"
          ? "check that the computer of the bridge has power and is in the network." : state.problem)));
  }
  const cause = bank.findings.find((other) => other.id === finding);
  const isOpen = (other) => other !== cause && !other.ack;
  const notes = bank.findings.filter((other) => isOpen(other) && other.level === "info").length;
  const more = bank.findings.filter((other) => isOpen(other) && other.level !== "info").length;
  return h("section", { class: "verdict " + level, "aria-label": "Verdict" }, icon(level, "vi"),
    h("div.vt", h("h1", title), h("p", detail), step && h("p.first", h("b", "Do first: "), step)),
    h("div.va", level !== "starting" && h("p.dim", `since ${when(start, now())}` + (cause ? `, for ${since(start)}` : "")),
      cause && h("a.btn", { href: "#/findings/" + encodeURIComponent(cause.id) },
        cause.do.length > 1 ? `All ${cause.do.length} steps` : "Why"),
      notes ? h("a.more", { href: "#/findings" }, notes === 1 ? "1 note" : notes + " notes") : null,
      more ? h("a.more", { href: "#/findings" }, `and ${more} more`) : null));
}

function flow(bank, sums) {
  const oldest = sums?.live.reduce((a, unit) => age(unit, "GS") > age(a, "GS") ? unit : a);
  const isMissing = sums && sums.missing.length > 0;
  const isRead = units(bank).some((unit) => unit.groups.GS?.at !== undefined);
  return h("section.card.flow", { "aria-labelledby": "h-flow" },
    h("div.top", h("h2", { id: "h-flow" }, "Now"),
      isMissing && h("span.chip.warning", icon("warning"), "without " + sums.missing.map((unit) => unit.name).join(", ")),
      h("span.grow"), oldest && ageOf(oldest, "GS")),
    sums ? [
      h("p.sr", sentence(sums) || "No power flows."),
      h("div", { class: "stage" + (lost() ? " hatched" : ""), id: "stage", role: "list", "aria-label": "Power flow" },
        h("svg.ribbons", { "data-own": true, "aria-hidden": "true" }), nodes(sums),
        h("div.flabels", { "data-own": true, "aria-hidden": "true" }))]
      : h("p.empty", isRead ? "No unit has fresh values. The last ones are in the table below."
        : "Nothing has been read yet."));
}

export function view(bank) {
  const sums = totals(bank);
  return [verdict(bank), h("div.cols", flow(bank, sums), today(bank)), chart(), table(bank, sums)];
}

/**
 * Splits power by use: the sun feeds the load first, then the battery. The rest of the load is from the battery, then
 * from the grid. Below 5 W there is no ribbon.
 */
export function links(t) {
  const grid = t.grid.isUsed && !t.grid.isOutput ? t.grid.power : 0;
  const sunToLoad = Math.min(t.solar, t.load);
  const charge = Math.max(t.battery.power, 0), discharge = Math.max(-t.battery.power, 0);
  const batteryToLoad = Math.min(discharge, t.load - sunToLoad);
  const sunToBattery = Math.min(charge, t.solar - sunToLoad);
  const gridToLoad = Math.min(grid, t.load - sunToLoad - batteryToLoad);
  const gridToBattery = Math.min(grid - gridToLoad, charge - sunToBattery);
  return [["sun", "load", sunToLoad], ["sun", "battery", sunToBattery], ["battery", "load", batteryToLoad],
    ["grid", "load", gridToLoad], ["grid", "battery", gridToBattery]].filter((link) => link[2] >= MIN_WATTS);
}

/** Returns the four nodes. They are always at the same place. */
export function nodes(t) {
  const { battery, grid } = t;
  const isDark = t.solar < MIN_WATTS, isGridThere = grid.voltage !== undefined;
  const direction = Math.abs(battery.power) < MIN_BATTERY_WATTS ? 0 : Math.sign(battery.power);
  const node = (key, name, sign, big, isIdle, lines, extra) => h("div",
    { class: `node ${key}` + (isIdle ? " idle" : ""), "data-node": key, role: "listitem" },
    h("div.who", icon(sign), h("span", name)), h("div.big", big), extra,
    lines.filter(Boolean).map((line) => h("div.sub", line)));
  const word = (text) => h("span.word", text);
  const gridText = grid.isOutput ? word("fed") : grid.power >= MIN_WATTS ? h("span", "≈ ", num(watts(grid.power))) : word("in use");
  const spread = battery.maxVoltage - battery.voltage;
  return [
    node("sun", "Sun", isDark ? "moon" : "sun", isDark ? word("no sun") : num(watts(t.solar)), isDark,
      [isDark ? "the strings give nothing" : `on ${t.strings} of ${t.live.length * 2} strings`]),
    node("load", "Load", "load", num(watts(t.load)), t.load < MIN_WATTS,
      [t.rated ? `${percent(t.loadPercent)} of ${W(t.rated)}` : null]),
    node("grid", "Grid", "grid", grid.isUsed ? gridText : word(isGridThere ? "not used" : "no grid"), !grid.isUsed,
      [isGridThere ? `there, ${V(grid.voltage)} · ${Hz(grid.frequency)}` : "the units see no voltage"]),
    node("battery", "Battery", "battery", num(fixed(battery.charge, 0, "%")), false,
      [direction ? `${direction > 0 ? "charging" : "giving"} ${about(Math.abs(battery.power))}` : "at rest",
        `${A(Math.abs(battery.current))} · ` +
        (spread < 0.15 ? V(battery.voltage) : `${battery.voltage.toFixed(1)} to ${V(battery.maxVoltage)}`)],
      h("div.soc", { "aria-hidden": "true" }, h("i", { css: { width: (battery.charge ?? 0) + "%" } }))),
  ];
}

/** Returns the sentence that says the same as the ribbons. */
export const sentence = (t) => links(t).map(([from, to, w]) =>
  `${NAME[from]} gives ${from === "battery" || to === "battery" || from === "grid" ? about(w) : W(w)} to ${NAME[to]}`)
  .join(", ");
const NAME = { sun: "the sun", load: "the load", battery: "the battery", grid: "the grid" };

/** Draws the ribbons between the nodes, where the nodes are now. */
export function draw(box, t) {
  const svg = box.querySelector("svg.ribbons");
  if (!svg) return;
  const frame = box.getBoundingClientRect(), at = {};
  for (const node of box.querySelectorAll("[data-node]")) {
    const r = node.getBoundingClientRect();
    at[node.dataset.node] = {
      left: r.left - frame.left, right: r.right - frame.left, top: r.top - frame.top, bottom: r.bottom - frame.top,
      x: (r.left + r.right) / 2 - frame.left, y: (r.top + r.bottom) / 2 - frame.top,
    };
  }
  if (!at.sun || !at.battery) return;
  const all = t ? links(t) : [];
  // Ribbons that leave or reach the same node are stacked around its middle.
  const stack = (node, end) => {
    const list = all.filter((link) => link[end] === node && link[0] !== "battery");
    let y = at[node].y - (list.reduce((sum, link) => sum + thickness(link[2]), 0) + GAP * (list.length - 1)) / 2;
    return new Map(list.map((link) => {
      const middle = y + thickness(link[2]) / 2;
      y += thickness(link[2]) + GAP;
      return [link, middle];
    }));
  };
  const starts = { sun: stack("sun", 0), grid: stack("grid", 0) };
  const ends = { load: stack("load", 1), battery: stack("battery", 1) };
  const gradients = [], shapes = [], labels = [];
  all.forEach((link, index) => {
    const [from, to, w] = link, width = thickness(w), head = Math.max(9, width * 0.62 + 4);
    let d, tip, x1, y1, x2, y2;
    if (from === "battery") {
      x1 = x2 = at.load.x;
      y1 = at.battery.top;
      y2 = at.load.bottom + head;
      d = `M${x1} ${y1}L${x2} ${y2}`;
      tip = `${x2 - head} ${y2} ${x2 + head} ${y2} ${x2} ${y2 - head}`;
    } else {
      x1 = at[from].right;
      y1 = starts[from].get(link);
      x2 = at[to].left - head;
      y2 = ends[to].get(link);
      const middle = (x1 + x2) / 2;
      d = Math.abs(y1 - y2) < 1 ? `M${x1} ${y1}L${x2} ${y2}` : `M${x1} ${y1}C${middle} ${y1} ${middle} ${y2} ${x2} ${y2}`;
      tip = `${x2 - 0.5} ${y2 - head} ${x2 - 0.5} ${y2 + head} ${x2 + head - 0.5} ${y2}`;
    }
    labels.push([(x1 + x2) / 2, (y1 + y2) / 2, from === "battery" || to === "battery" ? about(w) : W(w)]);
    const stop = (offset, node) => h("stop", { offset, css: { "stop-color": `var(--${node}-fill)` } });
    gradients.push(h("linearGradient", { id: "flow" + index, gradientUnits: "userSpaceOnUse", x1, y1, x2, y2 },
      stop("0", from), stop("1", to)));
    shapes.push(h("path", { d, class: "ribbon", stroke: `url(#flow${index})`, "stroke-width": width }));
    shapes.push(h("polygon", { points: tip, class: "tip", css: { fill: `var(--${to}-fill)` } }));
  });
  const own = { "data-own": true, "aria-hidden": "true" };
  patch(svg, h("svg.ribbons", { ...own, width: frame.width, height: frame.height }, h("defs", gradients), shapes), true);
  const isWide = all.length > 1 && at.load.left - at.sun.right > 100;
  patch(box.querySelector(".flabels"), h("div.flabels", own, isWide
    ? labels.map(([x, y, text]) => h("span", { css: { left: x + "px", top: y + "px" } }, text)) : []), true);
}

const thickness = (w) => 5 + 35 * Math.min(1, w / 8000);
const GAP = 10;
const MIN_WATTS = 5;
const MIN_BATTERY_WATTS = 30;

const volts = (key) => (unit) => V(value(unit, key));
const string = (n) => (unit) => {
  const power = value(unit, `pv${n}_power`), voltage = value(unit, `pv${n}_voltage`);
  return W(power) + (voltage ? " · " + V(voltage) : "");
};
const supply = (name, none) => (unit) => {
  const voltage = value(unit, name + "_voltage");
  return voltage === undefined ? NONE : voltage > 20 ? V(voltage) + " · " + Hz(value(unit, name + "_frequency")) : none;
};
const current = (a) => a === undefined ? NONE : A(Math.abs(a)) + (a > 0 ? " in" : a < 0 ? " out" : "");
const temperatures = (unit) => [1, 2].map((n) => celsius(value(unit, `mppt${n}_temperature`))).join(" · ");

/**
 * Rows: label, value that says how fresh the row is, text of a unit, and how the units are put together: "alike" where
 * they should be, or a sum. `rules` are the findings that are about the row.
 */
const ROWS = [
  [
    { label: "Mode", key: "mode", read: (unit) => value(unit, "mode") ?? NONE, whole: "alike", rules: ["mode", "mode-conflict", "idle"] },
    { label: "Fault", key: "fault", group: "FWS", whole: "alike", rules: ["fault"],
      read: (unit) => {
        const code = value(unit, "fault_code");
        return code === undefined ? NONE : code === 0 ? "none" : `${code}, ${value(unit, "fault")}`;
      } },
    { label: "Warnings", key: "fault", group: "FWS", whole: "alike", rules: ["warning"],
      read: (unit) => warnings(unit, state.rows.unit).join(", ") || "none" },
    { label: "Phase", key: "output_mode", group: "PIRI", read: (unit) => phase(unit)?.replace("phase ", "") ?? NONE, only: (bank) => units(bank).some(phase),
      rules: ["output-mode", "split-phase"] },
  ],
  [
    { label: "String 1", key: "pv1_power", read: string(1), rules: ["pv-string", "pv-voltage", "input"] },
    { label: "String 2", key: "pv2_power", read: string(2), rules: ["pv-string", "pv-voltage", "input"] },
    { label: "Sun, both", key: "pv_power", read: (unit) => W(value(unit, "pv_power")), whole: (sums) => W(sums.solar) },
  ],
  [
    { label: "Battery voltage", key: "battery_voltage", read: volts("battery_voltage"), whole: "alike",
      rules: ["battery-voltage", "battery-voltmeter", "over-voltage", "under-voltage"] },
    { label: "Battery current", key: "battery_current", read: (unit) => current(value(unit, "battery_current")),
      whole: (sums) => current(sums.battery.current), rules: ["current-sharing", "charge-current", "discharge-current", "charge-rate"] },
    { label: "Battery charge", key: "state_of_charge", read: (unit) => percent(value(unit, "state_of_charge")), whole: "alike",
      rules: ["state-of-charge"] },
  ],
  [
    { label: "Load", key: "active_power", read: (unit) => W(value(unit, "active_power")) + " · " + percent(value(unit, "load")),
      whole: (sums) => W(sums.load) + (sums.loadPercent === null ? "" : " · " + percent(sums.loadPercent)), rules: ["load"] },
    { label: "Output", key: "output_voltage", read: supply("output", "off"), whole: "alike", rules: ["output", "output-voltage", "circulating-current"] },
  ],
  [
    { label: "Grid", key: "grid_voltage", read: supply("grid", "no voltage"), whole: "alike", rules: ["grid"] },
    { label: "Grid used", key: "line_direction", whole: "alike",
      read: (unit) => ({ idle: "no", input: "yes", output: "fed" })[value(unit, "line_direction")] ?? value(unit, "line_direction") ?? NONE },
  ],
  [
    { label: "Heat sink", key: "heat_sink_temperature", read: (unit) => celsius(value(unit, "heat_sink_temperature")), rules: ["heat-sink"] },
    { label: "Chargers", key: "mppt1_temperature", read: temperatures },
  ],
];

/** Splits a text at its dot, so that a phone can show two lines. */
export const lines = (text) => {
  const [first, second] = text.split(" · ");
  return second ? [first, h("span.two", h("i", " · "), second)] : first;
};

function cell(unit, row, className = "") {
  if (value(unit, row.key) === undefined) return h("td.none", NONE, h("span.sr", " not known"));
  if (isFresh(unit, row.key)) return h("td", { class: className }, lines(row.read(unit)));
  return h("td.old", lines(row.read(unit)), h("span.sr", `, ${span(age(unit, row.group ?? "GS") ?? 0)} old`));
}

/** Returns the finding about a row, if there is one. */
const findingOf = (bank, row) => bank.findings.find((finding) => row.rules?.includes(finding.rule));
const link = (finding, text) => h("a", { href: "#/findings/" + encodeURIComponent(finding.id) }, text);

function together(bank, row, sums) {
  const list = units(bank);
  if (typeof row.whole === "function") return sums ? lines(row.whole(sums)) : NONE;
  if (row.whole !== "alike" || !list.every((unit) => isFresh(unit, row.key))) return "";
  const texts = list.map((unit) => row.read(unit).split(" · ")[0]);
  if (list.every((unit) => row.read(unit) === row.read(list[0]))) return h("span.eq", "alike");
  const numbers = list.map((unit) => value(unit, row.key)), ends = [Math.min(...numbers), Math.max(...numbers)];
  // Which differences matter is judged by the bridge.
  const [least, most] = ends.map((end) => texts[numbers.indexOf(end)]);
  return h("span.eq", least === undefined ? "not alike" : least === most ? "nearly alike" : `${least} to ${most}`);
}

export function table(bank, sums) {
  const list = units(bank);
  const groups = ROWS.map((rows) => rows.filter((row) => !row.only || row.only(bank)));
  const marked = groups.flat().filter((row) => findingOf(bank, row));
  const summary = marked.length
    ? level(findingOf(bank, marked[0]).level, marked.length === 1 ? "1 value with a finding" : marked.length + " values with findings")
    : list.length > 1 && list.every((unit) => !isOld(unit, "GS")) ? h("span.dim", "no difference that matters") : null;
  return h("section.card.unitsx", { "aria-labelledby": "h-units" },
    h("div.top", h("h2", { id: "h-units" }, list.length > 1 ? "Units side by side" : "Unit"), h("span.grow"), summary),
    scroller("Values of the units", list.length > 4 ? asRows(bank, list, groups.flat(), sums) : asColumns(bank, list, groups, sums)));
}

const heading = (unit) => [h("a", { href: "#/units" }, unit.name), h("small", tail(unit.serial)), ageOf(unit, "GS")];

function asColumns(bank, list, groups, sums) {
  const isPartial = sums && sums.live.length < list.length, hasSum = list.length > 1;
  const line = (row) => {
    const finding = findingOf(bank, row), mark = finding ? "diff " + finding.level : "";
    const why = finding && link(finding, finding.title);
    return [
      h("tr", { class: mark }, h("th", { scope: "row" }, finding && icon(finding.level), row.label),
        list.map((unit) => cell(unit, row)),
        hasSum && h("td", { class: "sum" + (lost() ? " old" : "") }, why || together(bank, row, sums))),
      finding && h("tr", { class: (hasSum ? "on-phone " : "") + mark }, h("td", { colspan: list.length + 1 }, link(finding, finding.title)))];
  };
  return h("table.side", { class: "side n" + list.length },
    h("thead", h("tr", h("td"), list.map((unit) => h("th", { scope: "col" }, heading(unit))),
      hasSum && h("th", { scope: "col", class: "sum" }, "Together",
        h("small", isPartial ? `${sums.live.length} of ${list.length} units` : "sum, or alike")))),
    groups.map((rows) => h("tbody", rows.map(line))));
}

function asRows(bank, list, rows, sums) {
  const mark = (row) => findingOf(bank, row) ? "diff " + findingOf(bank, row).level : "";
  return h("table.plain.many",
    h("thead", h("tr", h("th", { scope: "col" }, "Unit"), rows.map((row) => {
      const finding = findingOf(bank, row);
      return h("th", { scope: "col", class: mark(row) }, finding ? [icon(finding.level), link(finding, row.label)] : row.label);
    }))),
    h("tbody", list.map((unit) => h("tr", h("th", { scope: "row" }, heading(unit)), rows.map((row) => cell(unit, row, mark(row)))))),
    h("tfoot", h("tr", h("th", { scope: "row" }, "Together"), rows.map((row) => h("td", { class: lost() ? "old" : "" }, together(bank, row, sums))))));
}
