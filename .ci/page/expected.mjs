// What the page must show for a document of the API. Written apart from the page's own code.
const SPACE = "\u202f";

/** A value of a setting in words. */
export const words = (text) => text.split("_").join(" ");

export const watts = (w) => Math.abs(w) < 1000 ? `${Math.round(w)}${SPACE}W`
  : `${(w / 1000).toFixed(Math.abs(w) >= 9995 ? 1 : 2)}${SPACE}kW`;

const fresh = (unit, key) => unit.link.state !== "down" && unit.values[key]?.status === "fresh";
const live = (bank) => bank.order.map((serial) => bank.units[serial]).filter((unit) => fresh(unit, "active_power"));
const sum = (units, key) => units.reduce((total, unit) => total + unit.values[key].value, 0);

/** Texts by selector, which the overview must show. */
export function overview(bank) {
  const units = live(bank), texts = {
    ".verdict h1": bank.verdict.title,
    ".verdict .vt p": bank.verdict.detail,
  };
  if (units.length) {
    const solar = sum(units, "pv_power"), load = sum(units, "active_power");
    texts["[data-node=sun] .big"] = solar < 5 ? "no sun" : watts(solar);
    texts["[data-node=load] .big"] = watts(load);
    const charge = units.length === bank.order.length ? bank.values.state_of_charge.value
      : sum(units, "state_of_charge") / units.length;
    texts["[data-node=battery] .big"] = `${charge.toFixed(0)}${SPACE}%`;
  }
  return texts;
}

/** Texts of the table: rows with the cells of the units. Old values are shown, too. */
export function table(bank) {
  const units = bank.order.map((serial) => bank.units[serial]);
  const row = (key, text) => units.map((unit) => unit.values[key]?.value === undefined ? "–" : text(unit.values[key].value, unit));
  return {
    Mode: row("mode", String),
    "Battery voltage": row("battery_voltage", (v) => `${v.toFixed(1)}${SPACE}V`),
    "Battery charge": row("state_of_charge", (p) => `${p}${SPACE}%`),
    "Heat sink": row("heat_sink_temperature", (t) => `${t}${SPACE}°C`),
    Load: row("active_power", (w, unit) => `${watts(w)} · ${unit.values.load.value}${SPACE}%`),
    "String 1": row("pv1_power", (w, unit) => watts(w) +
      (unit.values.pv1_voltage.value ? ` · ${unit.values.pv1_voltage.value.toFixed(1)}${SPACE}V` : "")),
  };
}

/** Lists of texts by selector, in the order of the document. */
export const findings = (bank) => {
  const order = [...bank.findings.filter((finding) => !finding.ack), ...bank.findings.filter((finding) => finding.ack)];
  return {
    "article h2": order.map((finding) => finding.title),
    "article ol li": order.flatMap((finding) => finding.do),
    "article .vals dd": order.flatMap((finding) => finding.values.map(([, text]) => text)),
  };
};

/** Values that are alike on all units, by label. */
export function settings(bank, rows) {
  const texts = {}, units = bank.order.map((serial) => bank.units[serial]);
  const own = new Set(bank.settings.items.map((item) => item.key));
  for (const key of ["bulk_voltage", "float_voltage", "cutoff_voltage", "max_charge_current", "battery_type", "output_mode", "backlight"]) {
    const values = units.map((unit) => unit.values[key]?.value);
    if (own.has(key) || values.some((value) => value === undefined || value !== values[0])) continue;
    const row = rows[key], [value] = values;
    texts[row.name] = typeof value === "boolean" ? (value ? "on" : "off")
      : typeof value === "number" ? value.toFixed(row.decimals) + (row.unit ? SPACE + row.unit : "") : value;
  }
  return texts;
}

/** Texts of the table of battery packs: rows with the cells of the packs, by the names of the API. */
export function packs(bank, rows) {
  const list = Object.values(bank.packs).sort((a, b) => a.n - b.n);
  const text = (pack, key) => {
    const { value } = pack.values[key], { decimals, unit } = rows[key];
    return typeof value === "number" ? value.toFixed(decimals) + (unit && SPACE + unit) : value ?? "–";
  };
  const texts = {}, row = (key, read = text) => { texts[rows[key].name] = list.map((pack) => read(pack, key)); };
  ["status", "voltage", "state_of_charge", "cell_voltage_spread", "warnings", "protections"].forEach((key) => row(key));
  row("current", (pack, key) => pack.values[key].value === undefined ? "–"
    : text(pack, key).replace("-", "") + (pack.values[key].value > 0 ? " in" : pack.values[key].value < 0 ? " out" : ""));
  for (const end of ["highest", "lowest"]) {
    row(`${end}_cell_voltage`, (pack, key) => text(pack, key) + (pack.values[key].value === undefined ? "" : ` · cell ${pack.values[`${end}_cell`].value}`));
  }
  texts["Highest temperature"] = list.map((pack) => {
    const found = ["board_temperature", "temperature_1", "temperature_2"].map((key) => pack.values[key].value).filter(Number.isFinite);
    return found.length ? `${found.reduce((a, b) => b > a ? b : a)}${SPACE}°C` : "–";
  });
  return texts;
}

export const units = (bank) => ({
  "section.unit h2": bank.order.map((serial) => bank.units[serial].name),
  "section.unit .facts .num": [...bank.order],
  "section.unit .facts code": bank.order.map((serial) => bank.units[serial].link.address),
});
