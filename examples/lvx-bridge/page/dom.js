// A view is a function of the state. `patch` makes the document like the view, and keeps focus and scroll positions.

const SVG_SPACE = "http://www.w3.org/2000/svg";
const SVG_TAGS = new Set(["svg", "path", "g", "circle", "rect", "line", "linearGradient", "stop", "polygon", "defs"]);

/**
 * Makes an element: h("p.dim", "text"), h("a", { href }, children…). Null and false are left out. Texts become text
 * nodes, never markup.
 */
export function h(tag, props, ...children) {
  if (props === null || typeof props !== "object" || props.nodeType || Array.isArray(props)) {
    children.unshift(props);
    props = {};
  }
  const [name, ...classes] = tag.split(".");
  const el = SVG_TAGS.has(name) ? document.createElementNS(SVG_SPACE, name) : document.createElement(name);
  if (classes.length) el.setAttribute("class", classes.join(" "));
  for (const [key, value] of Object.entries(props)) {
    if (value === null || value === undefined || value === false) continue;
    if (key.startsWith("on")) (el._on ||= {})[key.slice(2)] = value;
    else if (key === "css") for (const [property, text] of Object.entries(value)) el.style.setProperty(property, text);
    else if (key === "value") el._value = value;
    else el.setAttribute(key, value === true ? "" : value);
  }
  for (const child of children.flat(3)) {
    if (child !== null && child !== undefined && child !== false) el.append(child);
  }
  listen(el);
  if (el._value !== undefined) el.value = el._value;
  return el;
}

function listen(el) {
  for (const type of Object.keys(el._on || {})) {
    if ((el._heard ||= new Set()).has(type)) continue;
    el._heard.add(type);
    el.addEventListener(type, (event) => el._on?.[type]?.(event));
  }
}

/** Makes `old` like `next`. An element with `data-own` draws itself and is left alone, unless `own` is true. */
export function patch(old, next, own = false) {
  if (old.nodeType !== next.nodeType || old.nodeName !== next.nodeName || (old.id || "") !== (next.id || "")) {
    old.replaceWith(next);
    return;
  }
  if (old.nodeType === Node.TEXT_NODE) {
    if (old.data !== next.data) old.data = next.data;
    return;
  }
  if (!own && old.hasAttribute("data-own") && next.hasAttribute("data-own")) return;
  for (const { name } of [...old.attributes]) {
    // People open and close details; the view does not.
    if (name !== "style" && name !== "open" && !next.hasAttribute(name)) old.removeAttribute(name);
  }
  for (const { name, value } of [...next.attributes]) {
    if (name !== "style" && old.getAttribute(name) !== value) old.setAttribute(name, value);
  }
  if ((old.style?.cssText || "") !== (next.style?.cssText || "")) old.style.cssText = next.style.cssText;
  old._on = next._on;
  listen(old);
  const before = [...old.childNodes], after = [...next.childNodes];
  for (let i = 0; i < Math.max(before.length, after.length); i++) {
    if (!after[i]) before[i].remove();
    else if (!before[i]) old.append(after[i]);
    else patch(before[i], after[i]);
  }
  old._value = next._value;
  if (next._value !== undefined && old.value !== next._value) old.value = next._value;
}

/** Makes an icon. It repeats a word beside it, so screen readers skip it. */
export const icon = (name, className = "") =>
  h("svg", { viewBox: "0 0 24 24", class: "icon " + className, "aria-hidden": "true" },
    (PATHS[name] || []).map((d) => h("path", { d })));

/** Returns an id for the document that contains only characters with no other meaning. */
export const domId = (prefix, text) => prefix + "-" + text.replace(/[^A-Za-z0-9]/g, "-");

/** Returns the id of the element of a finding. */
export const anchor = (id) => domId("f", id);

/** Says a text to screen readers. */
export const say = (text) => { document.getElementById("say").textContent = text; };

const CIRCLE = "M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18z";

export const PATHS = {
  sun: ["M12 3v2M12 19v2M3 12h2M19 12h2M5.6 5.6l1.5 1.5M16.9 16.9l1.5 1.5M18.4 5.6l-1.5 1.5M7.1 16.9l-1.5 1.5",
    "M12 8a4 4 0 1 0 0 8 4 4 0 0 0 0-8z"],
  moon: ["M19 14.5A7.5 7.5 0 0 1 9.5 5a7.5 7.5 0 1 0 9.5 9.5z"],
  load: ["M4 11.5 12 5l8 6.5", "M6.5 10v9h11v-9", "M12.6 11.5l-2 3h2.8l-2 3"],
  battery: ["M4 8h14v9H4z", "M20.5 11v3"],
  grid: ["M9 3h6l2 18M9 3 7 21M5 8h14M7.6 14h8.8M8.6 8l7.8 6M15.4 8l-7.8 6"],
  ok: [CIRCLE, "M8 12.3l2.8 2.7L16 9.5"],
  info: [CIRCLE, "M12 11v5M12 7.8v.2"],
  warning: ["M12 4 21.5 20h-19z", "M12 10v4.5M12 17.2v.2"],
  error: ["M8.3 3h7.4L21 8.3v7.4L15.7 21H8.3L3 15.7V8.3z", "M12 7.5v5.5M12 16.2v.2"],
  starting: ["M12 3a9 9 0 1 0 9 9", "M12 7v5l3 2"],
  old: [CIRCLE, "M12 7.5V12l3.2 2"],
  overview: ["M4 13h6V4H4zM14 20h6V4h-6zM4 20h6v-3H4z"],
  findings: ["M5 4h14v16H5z", "M9 9h6M9 13h6M9 17h3"],
  settings: ["M4 7h10M18 7h2M4 12h3M11 12h9M4 17h8M16 17h4", "M16 5v4M9 10v4M14 15v4"],
  units: ["M4 5h7v14H4zM13 5h7v14h-7z", "M6.5 8.5h2M15.5 8.5h2"],
};
