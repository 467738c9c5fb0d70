// The box to write in: Enter sends, what was begun is kept, a reply says to what.
import { completeNames } from "./names.js";

export function makeComposer(form, conversation) {
  const text = form.elements.body;
  const replying = document.getElementById("replying");
  const kept = `draft:${conversation.slug}`;
  const completion = completeNames(text, document.getElementById("names"), conversation.names);
  let sending = "";

  text.value = localStorage.getItem(kept) ?? "";
  text.addEventListener("input", () => localStorage.setItem(kept, text.value));
  text.addEventListener("keydown", (event) => {
    if (event.isComposing || completion.key(event)) return;
    if (event.key === "Enter" && !event.shiftKey && !event.altKey && !isTouch()) {
      event.preventDefault();
      if (text.value.trim()) form.requestSubmit();
    } else if (event.key === "Escape" && form.elements.reply_to.value) {
      event.stopPropagation();
      reply("");
    }
  });
  form.addEventListener("submit", (event) => {
    if (!text.value.trim()) event.preventDefault();
    sending = text.value;
  });
  form.addEventListener("htmx:after:request", (event) => {
    if (event.detail.ctx.response?.status !== 204) return; // what was written stays
    if (text.value === sending) text.value = "";
    localStorage.setItem(kept, text.value);
    reply("");
    conversation.becomeMember();
    conversation.toEnd();
    text.focus();
  });
  document.getElementById("messages").addEventListener("click", (event) => {
    const button = event.target.closest("[data-reply]");
    if (!button) return;
    reply(button.dataset.reply, button.dataset.author);
    text.focus();
  });
  document.getElementById("reply-not").addEventListener("click", () => {
    reply("");
    text.focus();
  });
  if (!isTouch() && !document.querySelector("[data-at]:not([data-at='0'])")) text.focus();

  function reply(number, author) {
    form.elements.reply_to.value = number;
    replying.hidden = !number;
    replying.querySelector("span").textContent = `Replying to ${author}, message ${number}`;
  }
}

const isTouch = () => matchMedia("(pointer: coarse)").matches;
