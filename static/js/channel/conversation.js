// Messages in order of their numbers. News says "look again"; the page then asks for what it has not got.

const NEAR = 80; // px from the end that still count as being there
const READ_AFTER = 400; // ms a message must be in sight

export function followConversation(root) {
  const list = document.getElementById("messages");
  const newer = document.getElementById("newer");
  let last = Number(root.dataset.last);
  let first = Number(root.dataset.first);
  let total = Number(root.dataset.total);
  let read = Number(root.dataset.read);
  let stamp = root.dataset.stamp;
  let asking = false;
  let again = false;
  let reading = 0;

  root.addEventListener("refresh", lookForNewer);
  root.addEventListener("scroll", onScroll, { passive: true });
  document.addEventListener("visibilitychange", readSoon);
  window.addEventListener("focus", readSoon);
  newer.addEventListener("click", async () => {
    while (last < total) await lookForNewer();
    toEnd();
  });
  list.addEventListener("click", (event) => {
    const jump = event.target.closest("[data-jump]");
    const shown = jump && document.getElementById(`m-${jump.dataset.jump}`);
    if (!shown) return;
    event.preventDefault();
    point(shown);
  });
  start();

  function start() {
    const wanted = Number(root.dataset.at);
    const line = document.getElementById("unread-line");
    if (wanted) point(document.getElementById(`m-${wanted}`));
    else if (line && isBelowFold(line)) line.scrollIntoView({ block: "center" });
    else toEnd();
    tellNewer();
    readSoon();
  }

  async function lookForNewer() {
    if (asking) {
      again = true;
      return;
    }
    asking = true;
    try {
      do {
        again = false;
        const got = await ask({ after: last, since: stamp, first });
        if (got) take(got);
      } while (again || (last < total && isAtEnd()));
    } finally {
      asking = false;
    }
  }

  function take(got) {
    const stays = isAtEnd();
    const before = last;
    for (const node of [...got.children]) put(node);
    stamp = got.dataset.stamp;
    if (last > before) document.getElementById("no-messages")?.remove();
    if (stays) toEnd();
    tellNewer();
    readSoon();
  }

  /** A message replaces itself; a line above one (a day, what is new) goes with it. */
  function put(node) {
    const shown = node.id && document.getElementById(node.id);
    if (shown) {
      const isBeingEdited = shown.querySelector("form.edit");
      if (node.matches("article") && !isBeingEdited && shown.dataset.version !== node.dataset.version) {
        node.classList.toggle("follows", shown.classList.contains("follows"));
        shown.replaceWith(node);
        htmx.process(node);
      }
      return;
    }
    const number = Number(node.dataset.number ?? 0);
    if (number && number <= last) return;
    list.append(node);
    if (!number) return;
    htmx.process(node);
    last = number;
    total = Math.max(total, number);
  }

  async function lookForEarlier() {
    if (asking || first <= 1) return;
    asking = true;
    try {
      const got = await ask({ before: first });
      if (!got) return;
      const height = root.scrollHeight;
      const top = root.scrollTop;
      const nodes = [...got.children].filter((node) => !node.id || !document.getElementById(node.id));
      list.prepend(...nodes);
      for (const node of nodes) htmx.process(node);
      first = Number(got.dataset.first) || 1;
      root.scrollTop = top + root.scrollHeight - height;
    } finally {
      asking = false;
    }
  }

  async function ask(query) {
    const url = new URL(root.dataset.url, location.href);
    for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
    try {
      const answer = await fetch(url, { headers: { "HX-Request": "true" } });
      if (!answer.ok) return null;
      const text = await answer.text();
      return new DOMParser().parseFromString(text, "text/html").querySelector("[data-messages]");
    } catch {
      return null; // the banner of live.js says so, and news come again with the connection
    }
  }

  function onScroll() {
    if (root.scrollTop < 200) lookForEarlier();
    if (isAtEnd() && last < total) lookForNewer();
    tellNewer();
    readSoon();
  }

  // ---- how far one has looked

  function readSoon() {
    reading ||= setTimeout(() => {
      reading = 0;
      markRead();
    }, READ_AFTER);
  }

  function markRead() {
    if (document.hidden || !document.hasFocus() || root.dataset.member === undefined) return;
    const seen = lastInSight();
    if (seen <= read) return;
    read = seen;
    const { "X-CSRFToken": token } = JSON.parse(document.body.getAttribute("hx-headers:inherited"));
    const body = new URLSearchParams({ read: String(seen) });
    fetch(root.dataset.mark, { method: "POST", body, headers: { "X-CSRFToken": token, "HX-Request": "true" } })
      .then((answer) => answer.ok && document.dispatchEvent(new CustomEvent("mesh:changed", { detail: "read" })))
      .catch(() => (read = seen - 1)); // told again at the next look
  }

  function lastInSight() {
    const floor = root.getBoundingClientRect().bottom;
    const articles = [...list.querySelectorAll("article[data-number]")];
    const seen = articles.findLast((each) => each.getBoundingClientRect().top < floor - 8);
    return Number(seen?.dataset.number ?? 0);
  }

  // ---- where one is

  function isAtEnd() {
    return root.scrollHeight - root.scrollTop - root.clientHeight < NEAR;
  }

  function isBelowFold(element) {
    const end = root.scrollHeight - root.clientHeight;
    return element.offsetTop < end;
  }

  function toEnd() {
    root.scrollTop = root.scrollHeight;
  }

  function tellNewer() {
    newer.hidden = isAtEnd() && last >= total;
    newer.lastElementChild.textContent = last > read && root.dataset.member !== undefined ? "New messages" : "To the end";
  }

  function point(element) {
    if (!element) return;
    element.scrollIntoView({ block: "center" });
    element.classList.add("pointed");
    element.focus({ preventScroll: true });
    setTimeout(() => element.classList.remove("pointed"), 2000);
  }

  return {
    toEnd,
    names: root.dataset.namesUrl,
    slug: root.dataset.slug,
    becomeMember: () => (root.dataset.member = ""),
  };
}
