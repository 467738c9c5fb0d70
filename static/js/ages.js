// Ages tick without asking the server. The words are those of accounts/templatetags/pages.py.

const MINUTE = 60, HOUR = 3600, DAY = 86400;

export function keepAges() {
  setInterval(() => {
    if (!document.hidden) tellAges(document);
  }, 1000);
  document.addEventListener("visibilitychange", () => tellAges(document));
}

export function span(seconds) {
  if (seconds < MINUTE) return `${Math.floor(seconds)} s`;
  if (seconds < HOUR) return `${Math.floor(seconds / MINUTE)} min`;
  if (seconds < 2 * DAY) return `${Math.floor(seconds / HOUR)} h`;
  return `${Math.floor(seconds / DAY)} d`;
}

function tellAges(root) {
  for (const time of root.querySelectorAll("time[data-age]")) {
    const words = span(Math.abs(Date.now() - Date.parse(time.dateTime)) / 1000);
    if (time.textContent !== words) time.textContent = words;
  }
}
