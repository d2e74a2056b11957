// Findings: what, why, what to do in which order, and that somebody knows.
import { h, icon, domId, anchor } from "./dom.js";
import { state, now, post, run } from "./store.js";
import { when, span, level, since, WORD, failure, loginFor } from "./show.js";

function one(bank, finding, isTarget) {
  const { id, ack } = finding, place = "ack-" + id, title = domId("t", id);
  const send = (isKnown) => run(place, () => post(`findings/${encodeURIComponent(id)}/ack`, { ack: isKnown }));
  const names = finding.units.map((serial) => bank.units[serial]?.name ?? serial);
  const body = h("div.fb",
    h("div", h("h3", "Why it matters"), h("p", finding.why),
      h("dl.vals", finding.values.map(([name, text]) => h("div", h("dt", name), h("dd", text))))),
    h("div", h("h3", finding.do.length > 1 ? "What to do, likely causes first" : "What to do"),
      finding.do.length ? h("ol", finding.do.map((step) => h("li", step))) : h("p", "Nothing.")));
  const button = (text, isKnown, className) => h("button", {
    type: "button", class: className, disabled: state.busy[place], "aria-describedby": title, onclick: () => send(isKnown),
  }, state.busy[place] ? "Sending…" : text);
  return h("article", {
    class: `card finding ${finding.level}` + (ack ? " acked" : "") + (isTarget ? " target" : ""),
    id: anchor(id), tabindex: "-1", "aria-labelledby": title,
  },
  h("div.fh", level(finding.level), h("span.dim", `since ${when(finding.since, now())}, for ${since(finding.since)}`),
    h("span.grow"), h("code", finding.rule)),
  h("h2", { id: title }, finding.title),
  ack ? h("details", h("summary", "Why, and what to do"), body) : body,
  h("div.ff", names.length ? h("span.dim", names.join(", ")) : null, h("span.grow"),
    ack ? h("span.ackd", icon("ok"), `Acknowledged ${when(ack.at, now())} by ${ack.by} `) : null,
    !state.access.acknowledge ? loginFor("acknowledge")
      : ack ? button("Take back", false, "link") : button("Acknowledge", true, "btn quiet")),
  failure(place, "Not acknowledged"));
}

/** Returns "2 errors, 1 warning". */
function counts(open) {
  const words = [["error", "error"], ["warning", "warning"], ["info", "note"]];
  return words.map(([name, word]) => {
    const number = open.filter((finding) => finding.level === name).length;
    return number ? `${number} ${word}${number > 1 ? "s" : ""}` : null;
  }).filter(Boolean).join(", ");
}

export function view(bank, chosen) {
  const open = bank.findings.filter((finding) => !finding.ack), known = bank.findings.filter((finding) => finding.ack);
  const show = (finding) => one(bank, finding, finding.id === chosen);
  const silent = bank.verdict.level === "warning" && !bank.verdict.finding;
  return [
    h("div.head", h("h1", "Findings"), h("p.lead",
      open.length ? counts(open) + ", not acknowledged."
        : bank.verdict.level === "starting" ? "There is no verdict before each unit was read once."
          : silent ? bank.verdict.title + "." : "Nothing is wrong.",
      " An acknowledged finding stays here while it lasts. It comes up again if it gets worse.")),
    open.map(show),
    known.length ? [h("h2.sec", "Acknowledged, not over"), known.map(show)] : null,
    bank.cleared.length ? [h("h2.sec", "Over"), h("div.card", h("table.plain.past",
      h("thead", h("tr", ["Finding", "From", "Lasted"].map((name) => h("th", { scope: "col" }, name)))),
      h("tbody", bank.cleared.map((finding) => h("tr",
        h("th", { scope: "row" }, icon(finding.level, finding.level), finding.title, h("span.sr", ", " + WORD[finding.level])),
        h("td", when(finding.since, now())), h("td", span(finding.cleared - finding.since)))))))] : null,
  ];
}
