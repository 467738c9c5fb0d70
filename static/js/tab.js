// How many things wait for this person, in the title of the tab.

export function countInTitle() {
  document.addEventListener("htmx:after:swap", tell);
  tell();
}

function tell() {
  const count = parseInt(document.getElementById("count-inbox")?.textContent, 10) || 0;
  const [, bell, plain] = document.title.match(/^(● )?(?:\(\d+\) )?(.*)$/s);
  const title = `${bell ?? ""}${count ? `(${count}) ` : ""}${plain}`;
  if (document.title !== title) document.title = title;
}
