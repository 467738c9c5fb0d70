// The picture: asked for as JSON, drawn as SVG, drawn anew in place when news come.
import { layout, NODE } from "./layout.js";

const SVG = "http://www.w3.org/2000/svg";
const MARGIN = 28;
const SHORT = { said: 22, more: 25 }; // characters that fit

const figure = document.getElementById("map");
if (figure) {
  figure.addEventListener("refresh", draw);
  draw();
}

async function draw() {
  const data = await ask();
  if (!data) return; // the banner of live.js says why; news come again with the connection
  const focused = document.activeElement?.closest?.("#map a")?.getAttribute("href");
  figure.replaceChildren(pictureOf(data));
  if (focused) figure.querySelector(`a[href="${CSS.escape(focused)}"]`)?.focus();
}

async function ask() {
  try {
    const answer = await fetch(figure.dataset.url);
    return answer.ok ? await answer.json() : null;
  } catch {
    return null;
  }
}

function pictureOf(data) {
  const { width, height, nodes } = layout(data);
  const svg = made("svg", { class: "picture", width: width + 2 * MARGIN, height: height + 2 * MARGIN, viewBox: `${-MARGIN} ${-MARGIN} ${width + 2 * MARGIN} ${height + 2 * MARGIN}` });
  svg.append(tips());
  for (const edge of edges(data)) {
    const [from, to] = [nodes.get(edge.from), nodes.get(edge.to)];
    if (from && to) svg.append(lineOf(edge, from, to));
  }
  for (const [id, node] of nodes) svg.append(node.kind === "pod" ? podOf(id, node) : channelOf(id, node));
  return svg;
}

function edges({ pods, bindings, members }) {
  const parents = pods.filter((pod) => pod.parent).map((pod) => ({ from: `pod:${pod.parent}`, to: `pod:${pod.key}`, kind: "made" }));
  const rooms = members.map((each) => ({ from: `pod:${each.pod}`, to: `channel:${each.channel}`, kind: "member" }));
  const bound = bindings.map((each) => ({
    from: `pod:${each.holder}`,
    to: `pod:${each.target}`,
    kind: each.state === "requested" ? "asks" : each.writes ? "drives" : "watches",
  }));
  return [...rooms, ...parents, ...bound];
}

function lineOf({ from: fromId, to: toId, kind }, from, to) {
  const attributes = { class: `edge ${kind}`, d: curve(kind, from, to), "data-from": fromId, "data-to": toId };
  if (["drives", "watches", "asks"].includes(kind)) attributes["marker-end"] = `url(#tip-${kind === "asks" ? "asks" : "bound"})`;
  return made("path", attributes);
}

/** What was made stands to the right; a Binding runs beside that line; one within a column swings out to the left. */
function curve(kind, from, to) {
  const isBinding = !["made", "member"].includes(kind);
  const down = isBinding ? 12 : kind === "made" ? -6 : 0;
  if (from.x === to.x) {
    const out = from.x - 20 - Math.min(Math.abs(to.y - from.y) / 4, MARGIN - 6);
    return `M${from.x} ${from.y + 8}C${out} ${from.y + 8} ${out} ${to.y - 8} ${to.x - 4} ${to.y - 8}`;
  }
  const isForward = to.x > from.x;
  const [x1, x2] = isForward ? [from.x + NODE.width, to.x] : [from.x, to.x + NODE.width];
  const [y1, y2] = [from.y + down, to.y + down];
  const half = Math.min((x2 - x1) / 2, 66 * Math.sign(x2 - x1) || 66);
  return `M${x1} ${y1}C${x1 + half} ${y1} ${x2 - half} ${y2} ${x2 - (isBinding ? 4 * Math.sign(x2 - x1) : 0)} ${y2}`;
}

function podOf(id, { x, y, data }) {
  const link = nodeOf(id, x, y, `pod ${data.tone}${data.ended ? " ended" : ""}`, data.url, `${data.said}: ${data.word}`);
  const mark = made("svg", { x: 12, y: -6, width: 12, height: 12, viewBox: "0 0 12 12", class: `mark ${data.tone}` });
  mark.append(made("use", { href: `${icons()}#${data.shape}` }));
  link.append(mark, text(data.said, { x: 32, y: -3, class: "said" }), text(`${data.word} · ${data.agent}`, { x: 32, y: 14, class: "more" }));
  return link;
}

function channelOf(id, { x, y, data }) {
  const link = nodeOf(id, x, y, "channel", data.url, `Channel ${data.key}`);
  link.firstChild.setAttribute("rx", NODE.height / 2);
  const count = `${data.messages} message${data.messages === 1 ? "" : "s"}${data.private ? " · private" : ""}`;
  link.append(text(`#${data.key}`, { x: 20, y: -3, class: "said" }), text(count, { x: 20, y: 14, class: "more" }));
  return link;
}

function nodeOf(id, x, y, kind, href, title) {
  const link = made("a", { class: `node ${kind}`, href, transform: `translate(${x} ${y})`, "data-id": id });
  link.append(made("rect", { y: -NODE.height / 2, width: NODE.width, height: NODE.height, rx: 6 }));
  const full = made("title", {});
  full.textContent = title;
  link.append(full);
  for (const [start, end] of [["mouseenter", "mouseleave"], ["focus", "blur"]]) {
    link.addEventListener(start, () => pointAt(id));
    link.addEventListener(end, () => pointAt(null));
  }
  return link;
}

/** What has to do with one stays bright. */
function pointAt(id) {
  figure.classList.toggle("pointing", Boolean(id));
  const near = new Set([id]);
  for (const edge of figure.querySelectorAll(".edge")) {
    const { from, to } = edge.dataset;
    const touches = from === id || to === id;
    edge.classList.toggle("near", touches);
    if (touches) near.add(from).add(to);
  }
  for (const node of figure.querySelectorAll(".node")) node.classList.toggle("near", near.has(node.dataset.id));
}

function tips() {
  const defs = made("defs", {});
  for (const kind of ["bound", "asks"]) {
    const marker = made("marker", { id: `tip-${kind}`, viewBox: "0 0 6 6", refX: 4, refY: 3, markerWidth: 6, markerHeight: 6, orient: "auto" });
    const line = made("path", { class: kind, d: "" }); // what .asks + .tip looks at
    marker.append(line, made("path", { class: "tip", d: "m0 0 6 3-6 3z" }));
    defs.append(marker);
  }
  return defs;
}

function text(words, attributes) {
  const element = made("text", attributes);
  const fit = SHORT[attributes.class];
  element.textContent = words.length > fit ? `${words.slice(0, fit - 1)}…` : words;
  return element;
}

function icons() {
  return document.querySelector("svg use").getAttribute("href").split("#")[0];
}

function made(name, attributes) {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  return element;
}
