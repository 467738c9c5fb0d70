// The form of a new Pod: fields that belong to a choice appear with it; the terminal starts at the size seen last.

export function mindPodForms() {
  mind(document);
  document.addEventListener("change", (event) => mind(event.target.closest("form[data-pod-form]")?.parentElement));
  document.addEventListener("htmx:after:swap", () => mind(document));
}

function mind(root) {
  for (const form of root?.querySelectorAll("form[data-pod-form]") ?? []) {
    const agent = form.elements.agent_type.selectedOptions[0];
    const isCustom = agent?.dataset.custom !== undefined;
    form.querySelector("[data-for-custom]").hidden = !isCustom;
    for (const field of form.querySelectorAll("[data-for]")) offer(field, agent);
    form.querySelector("[data-for-repository]").hidden = !form.elements.repository.value;
    const [cols, rows] = (localStorage.getItem("terminal-size") ?? "").split("x");
    form.elements.cols.value = cols ?? "";
    form.elements.rows.value = rows ?? "";
  }
}

// A choice the agent does not have is hidden and not sent; of a list only what goes with the agent is offered.
function offer(field, agent) {
  const control = field.querySelector("select, input");
  const goes = agent?.dataset[field.dataset.for];
  const has = goes !== undefined && (control.localName === "input" || goes !== "");
  field.hidden = control.disabled = !has;
  if (!has) return;
  if (control.localName === "input") {
    control.placeholder = goes || "as usual";
    return;
  }
  const words = new Set(goes.split(" "));
  for (const option of control.options) option.hidden = option.disabled = option.value !== "" && !words.has(option.value);
  if (control.selectedOptions[0]?.disabled) control.value = "";
}
