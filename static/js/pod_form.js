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
    form.querySelector("[data-for-repository]").hidden = !form.elements.repository.value;
    const [cols, rows] = (localStorage.getItem("terminal-size") ?? "").split("x");
    form.elements.cols.value = cols ?? "";
    form.elements.rows.value = rows ?? "";
  }
}
