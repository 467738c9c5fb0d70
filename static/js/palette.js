// ⌘K: everything one can go to, narrowed by what is written. The list comes from the server at each opening.

export function makePalette(dialog) {
  const input = dialog.querySelector("input");
  const found = dialog.querySelector(".found");
  const none = dialog.querySelector(".none");

  dialog.addEventListener("mesh:opened", () => {
    input.value = "";
    found.dispatchEvent(new Event("refresh"));
    narrow();
  });
  found.addEventListener("htmx:after:swap", narrow);
  input.addEventListener("input", narrow);
  found.addEventListener("mousemove", (event) => select(event.target.closest("[role=option]")));
  found.addEventListener("click", () => dialog.close());
  dialog.addEventListener("keydown", (event) => {
    const by = { ArrowDown: 1, ArrowUp: -1 }[event.key] ?? 0;
    if (by) step(by);
    else if (event.key === "Enter") chosen()?.click();
    else return;
    event.preventDefault();
  });

  function narrow() {
    const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
    for (const option of options()) option.hidden = !words.every((word) => option.dataset.words.includes(word));
    const first = shown()[0];
    none.hidden = Boolean(first) || !options().length;
    select(first);
  }

  function step(by) {
    const list = shown();
    const at = list.indexOf(chosen());
    select(list[(at + by + list.length) % list.length], { scroll: true });
  }

  function select(option, { scroll = false } = {}) {
    if (option === null) return;
    for (const other of options()) other.setAttribute("aria-selected", String(other === option));
    if (option) input.setAttribute("aria-activedescendant", option.id);
    if (scroll) option?.scrollIntoView({ block: "nearest" });
  }

  const options = () => [...found.querySelectorAll("[role=option]")];
  const shown = () => options().filter((option) => !option.hidden);
  const chosen = () => found.querySelector("[aria-selected=true]:not([hidden])");
}
