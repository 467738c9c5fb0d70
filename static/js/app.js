// What every page runs.
import { keepAges } from "./ages.js";
import { callByNotifications } from "./calls.js";
import { askBefore, openDialogs } from "./dialogs.js";
import { listenToKeys } from "./keys.js";
import { followNews } from "./live.js";
import { letCopy, letSubmit, letTheme, passToasts, showWhereOneIs, toast } from "./manners.js";
import { makePalette } from "./palette.js";
import { mindPodForms } from "./pod_form.js";
import { countInTitle } from "./tab.js";

keepAges();
letTheme();
letSubmit();
letCopy();
passToasts();
showWhereOneIs();

document.addEventListener("mesh:said", (event) => toast(said(event)));
document.addEventListener("mesh:refused", (event) => toast(said(event), { lasting: true }));

// An error page is no fragment: what is on the page stays, and a notice says so.
document.addEventListener("htmx:after:request", (event) => {
  const { status } = event.detail.ctx.response;
  if (status < 500 && status !== 404 && status !== 403) return;
  event.preventDefault();
  if (event.detail.ctx.request.method !== "GET") toast("That did not work: the server failed. Its log says why.", { lasting: true });
});
document.addEventListener("htmx:error", (event) => {
  const { method } = event.detail.ctx?.request ?? {};
  if (method && method !== "GET") toast("The server did not answer. Try again in a moment.", { lasting: true });
});

if (document.body.dataset.news) {
  openDialogs();
  askBefore();
  makePalette(document.getElementById("palette"));
  mindPodForms();
  listenToKeys();
  countInTitle();
  callByNotifications();
  followNews(document.body.dataset.news);
}

function said(event) {
  const { value } = event.detail ?? {};
  return typeof event.detail === "string" ? event.detail : (value ?? "");
}
