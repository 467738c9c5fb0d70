// Reading a diff: J and K go through the files, X ticks one, U changes the view; a click on a line's number comments it.
import { isWriting } from "./keys.js";
import { toast } from "./manners.js";

const LOOK_EVERY = 10_000; // ms; whether the files have changed since
const page = document.getElementById("review");
const list = document.getElementById("files");

if (page) {
  document.addEventListener("keydown", onKey, { capture: true });
  page.addEventListener("click", onClick);
  page.addEventListener("change", onTick);
  document.addEventListener("submit", onSubmit, { capture: true });
  document.addEventListener("htmx:after:swap", settle);
  document.addEventListener("htmx:after:request", onSent);
  new MutationObserver(count).observe(page, { attributes: true, subtree: true, attributeFilter: ["data-state"] });
  settle();
  setInterval(lookAgain, LOOK_EVERY);
}

function onKey(event) {
  const remark = event.target.closest?.("form[data-remark]");
  if (remark && event.key === "Enter" && (event.ctrlKey || event.metaKey)) return remark.requestSubmit();
  if (event.ctrlKey || event.metaKey || event.altKey || isWriting(event.target) || document.querySelector("dialog[open]")) return;
  const line = event.target.closest?.("[data-say]");
  const act = (line && { ArrowDown: () => goAlong(line, 1), ArrowUp: () => goAlong(line, -1), Enter: () => write(line), Escape: () => go(line.closest("[data-file]")) }[event.key]) ??
    { j: () => step(1), k: () => step(-1), l: () => here()?.querySelector("[data-say]")?.focus(), x: () => toggleTick(here()), u: changeView }[event.key];
  if (!act) return;
  event.preventDefault();
  event.stopPropagation();
  act();
}

function files() {
  return [...page.querySelectorAll("[data-file]")];
}

/** The file at the top of what is seen. */
function here() {
  const chosen = page.querySelector(".rfile.is-here");
  if (chosen) return chosen;
  return files().find((file) => file.getBoundingClientRect().bottom > 60) ?? null;
}

function step(by) {
  const all = files();
  const at = all.indexOf(page.querySelector(".rfile.is-here"));
  const next = at < 0 ? (by > 0 ? 0 : all.length - 1) : Math.min(Math.max(at + by, 0), all.length - 1);
  if (all[next]) go(all[next]);
  if (next === all.length - 1) document.getElementById("more")?.click();
}

function go(file) {
  for (const each of page.querySelectorAll(".rfile.is-here")) each.classList.remove("is-here");
  file.classList.add("is-here");
  file.scrollIntoView({ block: "start" });
  file.focus({ preventScroll: true });
  for (const entry of list.children) entry.toggleAttribute("aria-current", entry.dataset.path === file.dataset.path);
  list.querySelector("[aria-current]")?.scrollIntoView({ block: "nearest" });
}

function goAlong(line, by) {
  const lines = [...line.closest("[data-file]").querySelectorAll("[data-say]")];
  lines[lines.indexOf(line) + by]?.focus();
}

function changeView() {
  const other = document.querySelector("[data-view]:not([aria-current]):is(a)");
  if (other) location.href = other.href;
}

function onClick(event) {
  const target = event.target;
  if (target.closest("[data-goto]")) {
    event.preventDefault();
    return goTo(target.closest("li").dataset.path);
  }
  if (target.closest("[data-fold]")) return fold(target.closest("[data-file]"));
  if (target.closest("[data-take-back]")) return takeBack(target.closest("[data-comment]"));
  if (target.closest("[data-cancel]")) return target.closest("form").closest(".talk, .rcomment").remove();
  const line = target.closest("[data-say]");
  if (line) write(line);
}

/** A file further down than what was fetched comes with the pages before it. */
async function goTo(path, tries = 50) {
  const found = files().find((file) => file.dataset.path === path);
  if (found) return go(found);
  const more = document.getElementById("more");
  if (!more || !tries) return;
  more.click();
  await new Promise((seen) => document.addEventListener("htmx:after:swap", seen, { once: true }));
  goTo(path, tries - 1);
}

function fold(file, isOpen = file.querySelector(".rcode").hidden) {
  file.querySelector(".rcode").hidden = !isOpen;
  file.querySelector("[data-fold]").setAttribute("aria-expanded", String(isOpen));
}

// ---- Ticks

function toggleTick(file) {
  if (!file) return;
  const box = file.querySelector("[data-tick]");
  box.checked = !box.checked;
  setTick(file, box.checked);
}

function onTick(event) {
  if (event.target.matches("[data-tick]")) setTick(event.target.closest("[data-file]"), event.target.checked);
}

async function setTick(file, isReviewed) {
  const before = file.dataset.state;
  show(file, isReviewed ? "reviewed" : "open");
  fold(file, !isReviewed);
  const answer = await post(page.dataset.tick, { path: file.dataset.path, blob: file.dataset.blob, reviewed: isReviewed ? "1" : "0" });
  if (answer) return;
  file.querySelector("[data-tick]").checked = before === "reviewed";
  show(file, before);
  fold(file, before !== "reviewed");
}

function show(file, state) {
  file.dataset.state = state;
  for (const each of [file, list.querySelector(`[data-path="${CSS.escape(file.dataset.path)}"]`)]) {
    each?.classList.remove("is-open", "is-reviewed", "is-stale");
    each?.classList.add(`is-${state}`);
  }
}

function count() {
  document.getElementById("reviewed-count").textContent = list.querySelectorAll(".is-reviewed").length;
}

// ---- Comments

function settle() {
  count();
  for (const comment of page.querySelectorAll(".rsaid > [data-comment]")) place(comment);
  for (const line of page.querySelectorAll("[data-say]:not([tabindex])")) line.tabIndex = -1;
}

/** Below its line; one whose line is not shown stays at the end of its file. */
function place(comment) {
  const line = comment.closest("[data-file]").querySelector(`[data-say="${comment.dataset.line}"]`);
  if (line) talkBelow(line).append(comment);
}

function talkBelow(line) {
  const row = line.closest("tr");
  if (row.nextElementSibling?.matches(".talk")) return row.nextElementSibling.firstElementChild;
  const talk = document.createElement("tr");
  talk.className = "talk";
  const cell = document.createElement("td");
  cell.colSpan = 4;
  talk.append(cell);
  row.after(talk);
  return cell;
}

function write(line) {
  const template = document.getElementById("comment-form");
  const cell = talkBelow(line);
  if (cell.querySelector("form")) return cell.querySelector("textarea").focus();
  for (const open of page.querySelectorAll(".talk form")) if (!open.querySelector("textarea").value) open.remove();
  const form = template.content.firstElementChild.cloneNode(true);
  const [side, number] = line.dataset.say.split(":");
  const code = line.closest("tr").querySelectorAll(".code");
  const said = code[side === "old" || code.length < 2 ? 0 : 1]?.textContent ?? "";
  form.dataset.remark = JSON.stringify({ path: line.closest("[data-file]").dataset.path, side, line: number, quoted: said.slice(0, 300) });
  cell.append(form);
  form.querySelector("textarea").focus();
}

async function onSubmit(event) {
  const form = event.target.closest("form[data-remark]");
  if (!form) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  const answer = await post(page.dataset.commentUrl, { ...JSON.parse(form.dataset.remark), text: form.querySelector("textarea").value });
  if (!answer) return;
  const made = new DOMParser().parseFromString(await answer.text(), "text/html").body.firstElementChild;
  form.replaceWith(made);
  counted(1);
}

async function takeBack(comment) {
  if (!(await post(comment.dataset.remove, {}))) return;
  const talk = comment.closest(".talk");
  comment.remove();
  if (talk && !talk.querySelector("form, [data-comment]")) talk.remove();
  counted(-1);
}

function counted(by) {
  const output = document.getElementById("comment-count");
  if (!output) return;
  output.textContent = String(Number(output.textContent) + by);
  document.getElementById("send-bar").hidden = Number(output.textContent) === 0;
}

function onSent(event) {
  const { ctx } = event.detail;
  if (!ctx.sourceElement?.matches?.("[data-send]") || !ctx.response.raw?.ok) return;
  document.getElementById("send").close();
  for (const comment of page.querySelectorAll("[data-comment]")) (comment.closest(".talk") ?? comment).remove();
  document.getElementById("comment-count").textContent = "0";
  document.getElementById("send-bar").hidden = true;
}

// ----

async function lookAgain() {
  if (document.hidden) return;
  const answer = await fetch(page.dataset.moment).catch(() => null);
  if (!answer?.ok) return;
  const { tree } = await answer.json();
  document.getElementById("changed-since").hidden = !tree || tree === page.dataset.tree;
}

/** The answer, or null after a notice that says why not. */
async function post(url, fields) {
  const token = JSON.parse(document.body.getAttribute("hx-headers:inherited"))["X-CSRFToken"];
  const answer = await fetch(url, { method: "POST", body: new URLSearchParams(fields), headers: { "X-CSRFToken": token, "HX-Request": "true" } }).catch(() => null);
  if (answer?.ok) return answer;
  const told = JSON.parse(answer?.headers.get("HX-Trigger") ?? "{}");
  toast(told["mesh:refused"] ?? "That did not work. Try again in a moment.", { lasting: true });
  return null;
}
