// Routes and the frame around the views.
import { h, icon, patch, say, anchor } from "./dom.js";
import { state, onChange, start, changed, lost, now } from "./store.js";
import { setZone, clock, percent, span, worst, WORD, loginFor, totals } from "./show.js";
import { update } from "./history.js";
import * as overview from "./overview.js";

const VIEWS = { overview: "Overview", findings: "Findings", settings: "Settings", units: "Units" };
/** Views by name. The others are loaded when they are opened. */
const loaded = { overview: overview.view };
const SIGN = { ok: "✓ ", warning: "! ", error: "✗ " };
let chosen = "", said = "", isFirst = true;

function header(bank) {
  const open = bank.findings.filter((finding) => !finding.ack).length, name = worst(bank);
  const link = ([key, label]) => h("a",
    { href: "#/" + (key === "overview" ? "" : key), "aria-current": state.route === key ? "page" : null },
    icon(key), h("span", label),
    key === "findings" && open ? h("b", { class: "badge " + name }, String(open), h("span.sr", ", worst: " + WORD[name])) : null);
  const title = state.banks.length > 1
    ? h("div.banks", { role: "navigation", "aria-label": "Banks" }, state.banks.map((other) => other.name === bank.bank.name
      ? h("a", { "aria-current": "true", href: location.hash || "#/" }, other.name)
      : h("a", { href: "?bank=" + encodeURIComponent(other.name) + location.hash, title: other.title },
        icon(other.level, other.level), other.name, h("span.sr", ", " + WORD[other.level]))))
    : h("p.name", bank.bank.name, h("small", bank.bank.units === 1 ? "1 unit" : bank.bank.units + " units"));
  return h("header", h("div.bar", title,
    h("nav", { "aria-label": "Pages" }, Object.entries(VIEWS).map(link)),
    lost() ? h("p.live.off", icon("old"), h("span", "not connected"))
      : h("p.live", h("i", { "aria-hidden": "true" }), h("span", "live "), h("span.num", clock(now(), true)))));
}

/** Repeats the verdict on views other than the overview. */
function strip(bank) {
  const isOff = lost(), { level, title } = bank.verdict;
  const isBad = level === "warning" || level === "error";
  if (state.route === "overview" || !isOff && (!isBad || state.route === "findings")) return null;
  return h("aside", { class: "strip " + (isOff ? "lost" : level), "aria-label": "Verdict" }, h("p", icon(isOff ? "old" : level),
    h("a", { href: "#/" }, isOff ? "No word from the bridge for " + span(now() - bank.now) : title)));
}

/** What is shown before the first message. */
function boot() {
  const text = { connecting: "Connecting to the bridge…", lost: "The bridge does not answer. This page keeps trying.",
    paused: "Connecting to the bridge…", login: "The bridge shows its values only after a login." };
  const root = document.getElementById("app");
  patch(root, h("div", { id: "app" }, h("main", { id: "main", tabindex: "-1" }, h("div.boot", h("h1", "lvx bridge"),
    h("p", { role: "status" }, text[state.problem] ?? state.problem), state.problem === "login" ? loginFor("read") : null))));
}

function render() {
  const { bank } = state;
  if (bank === null) {
    boot();
    return;
  }
  setZone(bank.time_zone, bank.utc_offset);
  const label = VIEWS[state.route], view = loaded[state.route] ?? loading;
  patch(document.getElementById("app"), h("div", { id: "app" }, header(bank), strip(bank),
    h("main", { id: "main", class: "v-" + state.route, tabindex: "-1" }, view(bank, chosen))));
  const sums = totals(bank), isOff = lost(), { level, title } = bank.verdict;
  const charge = sums && sums.battery.charge !== undefined ? percent(sums.battery.charge) + " · " : "";
  document.title = (isOff ? "? " : SIGN[level] ?? "… ") + (isOff ? "" : charge) + bank.bank.name +
    (label === "Overview" ? "" : " · " + label);
  const words = isOff ? "Not connected to the bridge" : `${WORD[level] ?? ""}: ${title}`;
  if (words !== said) {
    said = words;
    say(words);
  }
  const stage = document.getElementById("stage");
  if (stage) overview.draw(stage, isOff ? null : sums);
  update();
  if (isFirst) performance.mark("first-view");
  isFirst = false;
}

/** What is shown until a view is loaded. */
const loading = () => h("p.boot", { role: "status" }, state.errors.view ?? "Loading…");

async function load(name) {
  try {
    const { view } = await import(`./${name}.js`);
    loaded[name] = view;
  } catch {
    state.errors.view = "This view could not be loaded. Reload the page when the bridge answers.";
  }
}

/** Takes the view from the address: `#/findings/ID`. */
function read() {
  const [name, ...rest] = location.hash.replace(/^#\/?/, "").split("/");
  state.route = Object.hasOwn(VIEWS, name) ? name : "overview";
  try {
    chosen = decodeURIComponent(rest.join("/"));
  } catch {
    chosen = "";
  }
}

async function route() {
  const before = state.route;
  read();
  changed();
  if (!loaded[state.route]) {
    await load(state.route);
    changed();
  }
  const target = chosen && document.getElementById(anchor(chosen));
  if (target) {
    target.scrollIntoView({ block: "start" });
    target.focus({ preventScroll: true });
  } else if (before !== state.route) {
    scrollTo(0, 0);
    document.getElementById("main")?.focus({ preventScroll: true });
  }
}

onChange(render);
addEventListener("hashchange", route);
addEventListener("resize", () => { if (state.bank) render(); });
// Ages tick also while nothing new arrives.
setInterval(() => { if (state.bank && !document.hidden) render(); }, 1000);
document.addEventListener("visibilitychange", () => { if (state.bank && !document.hidden) render(); });
route();
start();
