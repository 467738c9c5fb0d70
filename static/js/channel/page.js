// A Channel: the conversation, the box to write in, and what stands beside it.
import { followConversation } from "./conversation.js";
import { makeComposer } from "./composer.js";

const conversation = followConversation(document.getElementById("conversation"));
const composer = document.querySelector("form#composer");
if (composer) makeComposer(composer, conversation);

const NARROW = matchMedia("(max-width: 900px)");
const page = document.querySelector(".talkpage");
const fold = document.getElementById("fold");
setFolded(NARROW.matches || localStorage.getItem("talk-folded") === "yes");
fold.addEventListener("click", () => {
  setFolded(!page.classList.contains("folded"));
  if (!NARROW.matches) localStorage.setItem("talk-folded", page.classList.contains("folded") ? "yes" : "");
});

function setFolded(isFolded) {
  page.classList.toggle("folded", isFolded);
  fold.setAttribute("aria-expanded", String(!isFolded));
}
