// What every page runs.
import { keepAges } from "./ages.js";
import { askBefore, openDialogs } from "./dialogs.js";
import { listenToKeys } from "./keys.js";
import { followNews } from "./live.js";
import { letCopy, letSubmit, letTheme, passToasts, toast } from "./manners.js";
import { makePalette } from "./palette.js";
import { mindPodForms } from "./pod_form.js";

keepAges();
letTheme();
letSubmit();
letCopy();
passToasts();

document.addEventListener("mesh:said", (event) => toast(said(event)));
document.addEventListener("mesh:refused", (event) => toast(said(event), { lasting: true }));

if (document.body.dataset.news) {
  openDialogs();
  askBefore();
  makePalette(document.getElementById("palette"));
  mindPodForms();
  listenToKeys();
  followNews(document.body.dataset.news);
}

function said(event) {
  const { value } = event.detail ?? {};
  return typeof event.detail === "string" ? event.detail : (value ?? "");
}
