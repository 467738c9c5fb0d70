// Prompts for an agent: written without being lost, put into another order by hand or by key, edited in place.

const SENT = 204;

/** What was begun in a form with data-draft outlives a reload, and goes when it was sent. */
function keepDrafts() {
  const key = (form) => `draft:${form.dataset.draft}`;
  const field = (form) => form.elements.text;
  const restore = () => {
    for (const form of document.querySelectorAll("form[data-draft]")) {
      if (!field(form).value) field(form).value = sessionStorage.getItem(key(form)) ?? "";
    }
  };
  document.addEventListener("input", ({ target }) => {
    const form = target.closest("form[data-draft]");
    if (!form || target !== field(form)) return;
    if (target.value) sessionStorage.setItem(key(form), target.value);
    else sessionStorage.removeItem(key(form));
  });
  document.addEventListener("htmx:after:request", ({ target, detail }) => {
    const form = target.closest?.("form[data-draft]");
    if (!form || detail.ctx.response?.status !== SENT) return;
    sessionStorage.removeItem(key(form));
    field(form).value = "";
  });
  document.addEventListener("htmx:after:swap", restore);
  restore();
}

/** Ctrl-Enter queues for when it is idle. */
function sendByKey() {
  document.addEventListener("keydown", (event) => {
    const form = event.target.closest?.("form[data-compose]");
    if (!form || event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return;
    event.preventDefault();
    form.requestSubmit(form.querySelector("button[value=idle]"));
  });
}

function editInPlace() {
  const leave = (element) => {
    const details = element.closest("details.edit");
    details.open = false;
    details.querySelector("summary").focus();
  };
  document.addEventListener("click", ({ target }) => {
    const cancel = target.closest("[data-leave-edit]");
    if (!cancel) return;
    cancel.closest("form").reset();
    leave(cancel);
  });
  document.addEventListener("toggle", ({ target }) => {
    if (target.matches?.("details.edit") && target.open) target.querySelector("textarea").focus();
  }, { capture: true });
  document.addEventListener("htmx:after:request", ({ target, detail }) => {
    if (target.matches?.("form[data-edit]") && detail.ctx.response?.status === SENT) leave(target);
  });
}

/** By mouse; by key and by finger the arrows do the same. */
function dragToOrder() {
  let dragged = null;
  document.addEventListener("dragstart", (event) => {
    dragged = event.target.closest?.("[data-queue] > li[draggable]");
    if (!dragged) return;
    event.dataTransfer.effectAllowed = "move";
    dragged.classList.add("dragging");
  });
  document.addEventListener("dragover", (event) => {
    const over = dragged && event.target.closest?.("[data-queue] > li");
    unmark();
    if (!over || over.parentElement !== dragged.parentElement) return;
    event.preventDefault();
    if (over !== dragged) over.classList.add(isBelowMiddle(event, over) ? "drop-after" : "drop-before");
  });
  document.addEventListener("drop", (event) => {
    const over = dragged && event.target.closest?.("[data-queue] > li");
    if (!over || over === dragged) return;
    event.preventDefault();
    const from = Number(dragged.dataset.position);
    let position = Number(over.dataset.position) + (isBelowMiddle(event, over) ? 1 : 0);
    if (from < position) position -= 1; // it leaves its own place first
    htmx.ajax("POST", dragged.dataset.move, { source: dragged.closest("[data-queue]"), swap: "none", values: { position } });
  });
  document.addEventListener("dragend", () => {
    unmark();
    dragged?.classList.remove("dragging");
    dragged = null;
  });
}

function isBelowMiddle(event, element) {
  const { top, height } = element.getBoundingClientRect();
  return event.clientY > top + height / 2;
}

function unmark() {
  for (const marked of document.querySelectorAll(".drop-before, .drop-after")) marked.classList.remove("drop-before", "drop-after");
}

keepDrafts();
sendByKey();
editInPlace();
dragToOrder();
