// Whom an @ calls: a list that narrows while one writes. Names come from the server at the first @.

const CALLED = /(?:^|[^\w@/.])@([\w.-]*)$/;
const SHOWN = 8;

export function completeNames(text, box, url) {
  let names = null;
  let found = [];
  let at = 0;

  text.addEventListener("input", suggest);
  text.addEventListener("blur", () => setTimeout(hide, 150)); // a click on a name comes first
  box.addEventListener("mousedown", (event) => {
    const option = event.target.closest("[role=option]");
    if (!option) return;
    event.preventDefault();
    take(found[Number(option.dataset.index)]);
  });

  async function suggest() {
    const called = written();
    if (called === null) return hide();
    names ??= await load();
    if (written() !== called) return; // one wrote on meanwhile
    const words = called.toLowerCase();
    found = names.filter((each) => [each.name, each.said].some((it) => it.toLowerCase().includes(words))).slice(0, SHOWN);
    at = 0;
    found.length ? show() : hide();
  }

  async function load() {
    try {
      const answer = await fetch(url);
      return answer.ok ? (await answer.json()).names : [];
    } catch {
      return [];
    }
  }

  function written() {
    return CALLED.exec(text.value.slice(0, text.selectionStart))?.[1] ?? null;
  }

  function show() {
    box.replaceChildren(...found.map(optionOf));
    box.hidden = false;
    text.setAttribute("aria-activedescendant", `name-${at}`);
  }

  function optionOf(each, index) {
    const option = document.createElement("div");
    option.id = `name-${index}`;
    option.role = "option";
    option.dataset.index = index;
    option.ariaSelected = String(index === at);
    const said = document.createElement("span");
    said.className = "cut";
    said.textContent = each.said;
    const more = document.createElement("span");
    more.className = "more";
    more.textContent = [each.said === each.name ? "" : each.name, each.kind === "pod" ? "Pod" : "", each.member ? "" : "not in here"].filter(Boolean).join(" · ");
    option.append(said, more);
    return option;
  }

  function hide() {
    box.hidden = true;
    found = [];
    text.removeAttribute("aria-activedescendant");
  }

  function take(each) {
    const end = text.selectionStart;
    const start = text.value.slice(0, end).lastIndexOf("@");
    text.setRangeText(`@${each.name} `, start, end, "end");
    text.dispatchEvent(new Event("input", { bubbles: true }));
    hide();
    text.focus();
  }

  /** Whether the key was for the list. */
  function key(event) {
    if (box.hidden) return false;
    const by = { ArrowDown: 1, ArrowUp: -1 }[event.key] ?? 0;
    if (by) {
      at = (at + by + found.length) % found.length;
      show();
    } else if (event.key === "Enter" || event.key === "Tab") take(found[at]);
    else if (event.key === "Escape") hide();
    else return false;
    event.preventDefault();
    event.stopPropagation();
    return true;
  }

  return { key };
}
