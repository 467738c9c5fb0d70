// Search in the scrollback, with counts.

const LOOK = { decorations: { matchBackground: "#4d4320", activeMatchBackground: "#a67c1a", matchOverviewRuler: "#a67c1a", activeMatchColorOverviewRuler: "#f0b34a" } };

export function makeFinder({ term, search }) {
  const form = document.getElementById("finder");
  const words = document.getElementById("finder-words");
  const count = document.getElementById("finder-count");
  const find = (forward) => {
    if (!words.value) return search.clearDecorations();
    if (forward) search.findNext(words.value, LOOK);
    else search.findPrevious(words.value, LOOK);
  };
  const close = () => {
    form.hidden = true;
    search.clearDecorations();
    term.focus();
  };
  search.onDidChangeResults(({ resultIndex, resultCount }) => {
    const at = resultIndex < 0 ? "" : `${resultIndex + 1} of `;
    count.textContent = words.value ? (resultCount ? `${at}${resultCount}` : "none") : "";
  });
  words.oninput = () => find(false);
  form.onsubmit = (event) => {
    event.preventDefault();
    find(false); // upwards: the newest is at the bottom
  };
  form.onkeydown = (event) => {
    if (event.key === "Escape") close();
    else if (event.key === "Enter" && event.shiftKey) find(true);
    else return;
    event.preventDefault();
    event.stopPropagation();
  };
  document.getElementById("finder-up").onclick = () => find(false);
  document.getElementById("finder-down").onclick = () => find(true);
  document.getElementById("finder-close").onclick = close;
  const open = () => {
    form.hidden = false;
    words.value = term.getSelection().split("\n")[0] || words.value;
    words.focus();
    words.select();
    find(false);
  };
  document.getElementById("find").onclick = open;
  return open;
}
