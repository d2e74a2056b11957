// Settings belong to the bank: one value for all units. The old value is shown until every unit was read back.
import { h, icon } from "./dom.js";
import { state, now, post, run, changed, lost, unitPath } from "./store.js";
import { span, when, shown, words, failure, loginFor, units, value, isFresh } from "./show.js";

/** Settings of a unit, by topic. Their names and units are in `/api/v1/entities`. */
const GROUPS = [
  ["Sources", ["output_priority", "charger_priority", "solar_priority", "machine_type", "input_range", "output_mode", "regulation", "feed_to_grid"]],
  ["Battery", ["battery_type", "bulk_voltage", "float_voltage", "cutoff_voltage", "recharge_voltage", "redischarge_voltage",
    "max_charge_current", "max_ac_charge_current", "lithium_turn_on", "lithium_auto_turn_on"]],
  ["Behaviour", ["overload_bypass", "overload_restart", "over_temperature_restart", "fault_record", "primary_source_alarm",
    "buzzer", "backlight", "display_escape"]],
];

/** Says what it means for the house. The words of the manufacturer are in the label. */
const HELP = {
  output_priority: "What feeds the load first.",
  charger_priority: "What charges the battery first.",
  solar_priority: "Where the power of the sun goes first.",
  max_charge_current: "Greatest current into the battery, of each unit.",
  max_ac_charge_current: "Greatest current from the grid into the battery, of each unit.",
};

const STATE = {
  proved: ["ok", "proved", "Proved"],
  refused: ["error", "refused", "Refused, nothing was written"],
  undone: ["error", "refused", "Not taken, all units have the old value again"],
  mixed: ["error", "refused", "Failed, the units have different values"],
};

const nameOf = (bank, serial) => bank.units[serial]?.name ?? serial;
const step = (command) => `${words(command.from)} → ${words(command.to)}`;
const perUnit = (bank, texts) => h("ol.steps", Object.entries(texts).map(([serial, text]) =>
  h("li", h("b", nameOf(bank, serial)), " " + words(text))));

function pending(bank, command) {
  return h("div.cmd.pending", { role: "group", "aria-label": "Change under way" },
    h("p.ch", icon("starting"), h("b", "Not proved yet: "), step(command)),
    perUnit(bank, command.units),
    h("p.dim", `Asked ${span(now() - command.at)} ago by ${command.by}. The old value is shown until every unit was read back.`));
}

function result(bank, command) {
  const [sign, className, word] = STATE[command.state] ?? STATE.mixed;
  return h("div", { class: "cmd " + className, role: "status" },
    h("p.ch", icon(sign), h("b", `${word} ${when(command.at, now())}: `), step(command)),
    command.why ? h("p", command.why) : null, perUnit(bank, command.units));
}

/** The plan of a change, and the two buttons. */
function proposal(item, plan) {
  const { key } = item, place = "set-" + key;
  const drop = () => {
    delete state.drafts[key];
    delete state.plans[key];
    changed();
  };
  const write = () => run(place, async () => {
    const body = { to: plan.to, plan: plan.plan };
    if (item.value !== undefined) body.from = item.value;
    drop();
    await post("settings/" + encodeURIComponent(key), body);
  });
  const isOver = now() >= plan.expires;
  return h("div.cmd.ask", { role: "group", "aria-label": "Plan of the change" },
    h("p.ch", icon("settings"), h("b", "Would be written: "), item.label, ": ", words(plan.to)),
    h("ol.steps", plan.units.map((unit) => h("li", h("b", unit.name ?? unit.serial), ` ${words(unit.from)} → ${words(unit.to)}`))),
    h("p", "Each unit is written, then read back. If one does not take it, all are set back."),
    isOver ? h("p.dim", "This plan is too old. Choose the value again.") : null,
    h("div.row",
      h("button.btn.strong", { type: "button", disabled: isOver || lost(), onclick: write },
        plan.units.length > 1 ? `Write to ${plan.units.length} units` : "Write"),
      h("button.btn.quiet", { type: "button", onclick: drop }, "Leave as it is")));
}

function knob(bank, item) {
  const { key } = item, place = "set-" + key, id = "k-" + key;
  const command = bank.command?.key === key ? bank.command : null;
  const last = bank.results.find((other) => other.key === key && now() - other.at < RESULT_TIME);
  const isOn = state.access.control && !item.blocked && !bank.command && !lost() && !state.busy[place];
  const choose = async (to) => {
    delete state.plans[key];
    if (to === item.value || to === "") {
      delete state.drafts[key];
      return changed();
    }
    state.drafts[key] = to;
    const wish = item.value === undefined ? { to } : { from: item.value, to };
    const plan = await run(place, () => post(`settings/${encodeURIComponent(key)}/plan`, wish));
    if (state.drafts[key] !== to) return undefined;
    if (plan) state.plans[key] = plan;
    else delete state.drafts[key];
    return changed();
  };
  const draft = state.drafts[key], plan = state.plans[key];
  return h("div", { class: "knob" + (command ? " busy" : ""), id },
    h("div.kl", h("h3", item.label), h("p.dim", HELP[key] ?? "", " ", h("code", key))),
    h("div.kv", item.value !== undefined ? h("b.val", { class: "val" + (lost() ? " old" : "") }, words(item.value))
      : Object.entries(item.values).map(([serial, text]) => h("div", h("span.dim", nameOf(bank, serial) + " "), h("b", words(text)))),
    h("p.dim", item.value !== undefined ? (bank.order.length > 1 ? "on all units" : "")
      : h("span.level.warning", icon("warning"), "differs, or not known"))),
    h("div.kc", h("label.sr", { for: id + "-new" }, "New value for " + item.label),
      h("select", {
        id: id + "-new", disabled: !isOn, value: draft ?? item.value ?? "", "aria-describedby": isOn ? null : "why-not",
        onchange: (event) => choose(event.target.value),
      },
      item.value === undefined ? h("option", { value: "" }, "–") : null,
      item.options.map((option) => h("option", { value: option }, words(option) + (option === item.value ? " (now)" : ""))))),
    plan && isOn ? proposal(item, plan) : null,
    failure(place, "Not written"),
    command ? pending(bank, command) : last ? result(bank, last) : null);
}

function fact(bank, key) {
  const list = units(bank), row = state.rows.unit[key];
  const texts = list.map((unit) => shown(value(unit, key), row));
  const isKnown = list.every((unit) => value(unit, key) !== undefined);
  const isAlike = texts.every((text) => text === texts[0]);
  const isOld = list.some((unit) => !isFresh(unit, key));
  if (!list.some((unit) => value(unit, key) !== undefined)) return null;
  const differs = isKnown && !isAlike;
  return h("div", { class: differs ? "differ" : "" },
    h("dt", differs ? icon("warning") : null, row?.name ?? key, differs ? h("span.sr", ", differs") : null),
    h("dd", { class: isOld ? "old" : "" }, isAlike ? texts[0]
      : texts.map((text, i) => [i ? " ≠ " : "", h("small", list[i].name + " "), text])));
}

/** Returns why nothing can be changed now; null if settings can be changed. */
function obstacle(bank) {
  const { control, items } = bank.settings;
  if (!control) return null;
  if (lost()) return "The bridge does not answer, so nothing can be changed.";
  if (bank.command) return "A change is under way. The next one can be made when it is proved or undone.";
  return items.find((item) => item.blocked)?.blocked ?? null;
}

export function view(bank) {
  const { control, items } = bank.settings, own = new Set(items.map((item) => item.key));
  const count = bank.values.settings_that_differ, why = obstacle(bank);
  const lead = count?.status !== "fresh" ? "Whether the settings are alike is not known now."
    : bank.order.length < 2 ? "" : count.value === 0 ? "All settings are alike on all units."
      : count.value === 1 ? "1 setting differs between the units." : `${count.value} settings differ between the units.`;
  return [
    h("div.head", h("h1", "Settings"), h("p.lead", lead,
      control ? " A change is written to all units or to none. The old value is shown until every unit was read back." : "")),
    control ? h("section.card.knobs", { "aria-labelledby": "h-daily" }, h("div.top", h("h2", { id: "h-daily" }, "Settings to change")),
      why ? h("p.note", { id: "why-not" }, icon(bank.command ? "starting" : "info"), h("span", why))
        : state.access.control ? null : h("div.note", { id: "why-not" }, icon("info"), loginFor("change settings")),
      items.map((item) => knob(bank, item)))
      : h("p.note", icon("info"), h("span", "This page only shows settings. To change some here, name them under ",
        h("code", "control.allow"), " in the configuration of the bridge.")),
    h("section.card", { "aria-labelledby": "h-rest" }, h("div.top", h("h2", { id: "h-rest" }, "Read only"), h("span.grow"),
      h("span.dim", bank.order.length > 1 ? "one value means: alike on all units" : "")),
    h("div.half", GROUPS.map(([title, keys]) => h("div", h("h3", title),
      h("dl.facts", keys.filter((key) => !own.has(key)).map((key) => fact(bank, key)))))),
    h("p.files", h("span.dim", "All settings as a profile:"), units(bank).map((unit) =>
      h("a", { href: unitPath(unit.serial, "profile"), download: `lvx-${unit.serial}.yaml` }, unit.name)))),
  ];
}

const RESULT_TIME = 900;
