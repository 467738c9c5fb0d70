// Copy and paste that work. Many lines into a program that would run each at once are asked about first.
import { question } from "../dialogs.js";
import { copyText, toast } from "../manners.js";

export function mindClipboard({ term, box, mayPaste }) {
  const button = document.getElementById("copy-selection");
  term.onSelectionChange(() => (button.hidden = !term.hasSelection()));
  button.onclick = () => copySelection(term);
  box.addEventListener("paste", (event) => {
    event.preventDefault();
    event.stopPropagation();
    paste(event.clipboardData.getData("text/plain"));
  }, { capture: true });

  /** Whether it was. */
  async function paste(text) {
    if (!text || !mayPaste()) return false;
    const lines = text.replace(/\r?\n$/, "").split(/\r\n|\r|\n/).length;
    const isPasted = lines <= 1 || term.modes.bracketedPasteMode || (await isMeant(text, lines));
    if (isPasted) term.paste(text);
    term.focus();
    return isPasted;
  }

  async function pasteFromClipboard() {
    try {
      await paste(await navigator.clipboard.readText());
    } catch {
      toast("The browser did not give the clipboard. Use its own paste, or write into the box below.");
    }
  }
  return { paste, pasteFromClipboard };
}

export async function copySelection(term) {
  const text = term.getSelection();
  if (!text) return;
  if (await copyText(text)) return toast("Copied");
  const area = document.createElement("textarea"); // without https there is only this
  area.value = text;
  document.body.append(area);
  area.select();
  const isCopied = document.execCommand("copy");
  area.remove();
  term.focus();
  toast(isCopied ? "Copied" : "The browser did not allow copying.");
}

function isMeant(text, lines) {
  return question({
    title: `Paste ${lines} lines?`,
    text: `This program did not ask for pastes in one piece, so it may act on each line at once. It begins: ${text.trim().split("\n")[0].slice(0, 120)}`,
    yes: "Paste",
  });
}
