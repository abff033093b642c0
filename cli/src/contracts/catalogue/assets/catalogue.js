// Search in the list of events: it works on what the page has, so that it works from a file as well.
(() => {
  const box = document.getElementById("search");
  if (box === null) return;
  const rows = [...document.querySelectorAll("[data-text]")];
  const links = () => rows.filter((row) => !row.hidden).map((row) => row.querySelector("a"));
  const count = document.getElementById("count");
  const nothing = document.getElementById("nothing");

  const show = () => {
    const words = box.value.toLowerCase().split(/\s+/).filter((word) => word !== "");
    for (const row of rows) row.hidden = !words.every((word) => row.dataset.text.includes(word));
    for (const group of document.querySelectorAll("[data-group]")) {
      group.hidden = [...group.querySelectorAll("[data-text]")].every((row) => row.hidden);
    }
    const found = links().length;
    count.textContent = words.length === 0 ? `${found} events` : `${found} of ${rows.length} events`;
    nothing.hidden = found > 0;
    const address = new URL(location.href);
    if (words.length === 0) address.searchParams.delete("q");
    else address.searchParams.set("q", box.value);
    history.replaceState(null, "", address);
  };

  // From the box down into the list and back up, as in a menu; Enter opens the first.
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const all = links();
    const at = all.indexOf(document.activeElement);
    if (event.key === "/" && document.activeElement !== box) box.focus();
    else if (event.key === "ArrowDown" && (document.activeElement === box || at >= 0)) all[Math.min(at + 1, all.length - 1)]?.focus();
    else if (event.key === "ArrowUp" && at === 0) box.focus();
    else if (event.key === "ArrowUp" && at > 0) all[at - 1].focus();
    else if (event.key === "Enter" && document.activeElement === box) all[0]?.click();
    else if (event.key === "Escape" && (document.activeElement === box || at >= 0)) { box.value = ""; show(); box.focus(); }
    else return;
    event.preventDefault();
  });
  box.addEventListener("input", show);
  box.value = new URLSearchParams(location.search).get("q") ?? "";
  box.closest("[hidden]")?.removeAttribute("hidden");
  show();
})();
