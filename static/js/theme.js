// Before the first paint, so that a chosen theme does not flash. A classic script in the head on purpose.
(() => {
  const chosen = localStorage.getItem("theme");
  if (chosen) document.documentElement.dataset.theme = chosen;
})();
