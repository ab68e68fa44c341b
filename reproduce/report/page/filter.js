"use strict";
// The page is whole without this: it filters the claims, and moves between a chart's points.
{
  const root = document.documentElement;
  const all = (selector, within = document) => [...within.querySelectorAll(selector)];
  const chips = all(".chips button"), place = document.getElementById("place");
  const items = all("[data-place]"), claims = all("article[data-place]");
  const status = document.getElementById("count");
  let kind = "";

  const show = () => {
    const filtered = Boolean(kind || place.value);
    for (const each of items)
      each.hidden = (kind && each.dataset.kind !== kind) || (place.value && each.dataset.place !== place.value);
    // A section may have a figure and no claim.
    for (const each of [...all("[data-section]"), ...all("[data-group]")])
      each.hidden = filtered && !all("[data-place]", each).some((item) => !item.hidden);
    // How to read, and the contents: of the whole page only.
    for (const each of all("[data-whole]")) each.hidden = filtered;
    for (const chip of chips) chip.setAttribute("aria-pressed", chip.dataset.kind === kind);
    status.firstChild.textContent = `${claims.filter((each) => !each.hidden).length} of ${claims.length}`;
  };
  for (const chip of chips) {
    chip.disabled = false;
    chip.addEventListener("click", () => { kind = chip.dataset.kind === kind ? "" : chip.dataset.kind; show(); });
  }
  place.addEventListener("change", show);

  // A link to what is filtered out shows everything again.
  const reveal = () => {
    const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (!target || !target.closest("[hidden]")) return;
    kind = place.value = "";
    show();
    target.scrollIntoView();
  };
  addEventListener("hashchange", reveal);

  // Each chart is one stop of the Tab key; the arrow keys go from point to point.
  for (const chart of all(".strip")) {
    const points = all(".seed", chart);
    const stop = (at) => points.forEach((point, i) => point.setAttribute("tabindex", i === at ? 0 : -1));
    if (points.length) stop(0);
    chart.addEventListener("keydown", (event) => {
      const step = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1 }[event.key];
      if (!step) return;
      event.preventDefault();
      const at = Math.min(Math.max(points.indexOf(document.activeElement) + step, 0), points.length - 1);
      stop(at);
      points[at].focus();
    });
  }
  root.classList.add("has-script");
  show();
}
