
// What the page can do beyond being read: filter, zoom, copy, and open what a link leads into.
// Nothing of the report is ever made into markup here; texts are compared, shown and hidden.
"use strict";
(() => {
  const all = (selector, within = document) => Array.from(within.querySelectorAll(selector));
  const one = (selector, within = document) => within.querySelector(selector);
  const button = (text, act) => {
    const made = document.createElement("button");
    made.type = "button";
    made.textContent = text;
    made.addEventListener("click", act);
    return made;
  };

  // A link into something folded opens it, also where the filter has hidden it.
  function reveal() {
    const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (!target) return;
    for (let at = target; at; at = at.parentElement) {
      if (at.tagName === "DETAILS") at.open = true;
      at.hidden = false;
    }
    target.scrollIntoView({ block: "center" });
  }
  addEventListener("hashchange", reveal);
  if (location.hash) reveal();

  // Copying.
  for (const block of all("pre.copied")) {
    const box = document.createElement("div");
    box.className = "copyable";
    block.replaceWith(box);
    const copy = button("Copy", async () => {
      try {
        await navigator.clipboard.writeText(block.textContent);
        copy.textContent = "Copied";
      } catch {
        getSelection().selectAllChildren(block);
        copy.textContent = "Selected";
      }
      setTimeout(() => { copy.textContent = "Copy"; }, 1500);
    });
    box.append(block, copy);
  }

  // Folding.
  for (const fold of all("[data-fold]")) {
    const open = fold.dataset.fold === "open";
    fold.addEventListener("click", () => {
      for (const details of all("details")) details.open = open;
    });
    fold.parentElement.hidden = false;
  }

  // Printing: what may be printed is opened for browsers that cannot do it by style alone.
  let opened = [];
  addEventListener("beforeprint", () => {
    opened = all("details.printed:not([open])");
    for (const details of opened) details.open = true;
  });
  addEventListener("afterprint", () => {
    for (const details of opened) details.open = false;
  });

  // Zooming.
  const zoomed = one(".zoom");
  if (zoomed) {
    const MOST = 32;
    const said = one("output", zoomed);
    let zoom = 1;
    const acts = { in: () => zoom * 2, out: () => zoom / 2, reset: () => 1 };
    const keys = { "+": "in", "=": "in", "-": "out", "0": "reset" };
    const act = (name) => {
      const before = zoom;
      zoom = Math.min(MOST, Math.max(1, acts[name]()));
      document.documentElement.style.setProperty("--zoom", zoom);
      for (const gantt of all(".gantt")) gantt.scrollLeft *= zoom / before;
      said.textContent = zoom === 1 ? "" : `${zoom} times`;
    };
    for (const control of all("[data-zoom]", zoomed)) control.addEventListener("click", () => act(control.dataset.zoom));
    addEventListener("keydown", (event) => {
      const name = keys[event.key];
      if (!name || event.ctrlKey || event.metaKey || event.altKey || !event.target.closest?.(".gantt")) return;
      event.preventDefault();
      act(name);
    });
    zoomed.hidden = false;
  }

  // Filtering the timeline and the chart.
  const filter = one(".filter");
  const rows = all(".timeline tbody tr");
  if (!filter || rows.length === 0) return;
  const fields = {
    text: one("#filter-text"), source: one("#filter-source"), type: one("#filter-type"),
    outcome: one("#filter-outcome"), failures: one("#filter-failures"),
  };
  const count = one("#filter-count");
  const lanes = all(".gantt .lane[data-outcome]");
  const FAILED = new Set(["failed", "root", "independent", "cascade"]);
  const OF_LANE = { failed: FAILED, succeeded: new Set(["done"]), cancelled: new Set(["cancelled"]), "in progress": new Set(["open"]) };
  // More rows than these are not opened by themselves.
  const OPENED = 500;
  for (const name of ["source", "type", "outcome"]) {
    const values = new Set(rows.map((row) => row.dataset[name]).filter(Boolean));
    for (const value of Array.from(values).sort()) fields[name].append(new Option(value, value));
  }
  const number = (value) => value.toLocaleString("en");
  const texts = new WeakMap();
  const textOf = (element) => {
    if (!texts.has(element)) texts.set(element, element.textContent.toLowerCase());
    return texts.get(element);
  };

  function apply() {
    const text = fields.text.value.trim().toLowerCase();
    const { source, type, outcome } = { source: fields.source.value, type: fields.type.value, outcome: fields.outcome.value };
    const failures = fields.failures.checked;
    const active = Boolean(text || source || type || outcome || failures);
    const fits = (row) =>
      (!source || row.dataset.source === source) && (!type || row.dataset.type === type) &&
      (!outcome || row.dataset.outcome === outcome) && (!failures || row.dataset.outcome === "failed") &&
      (!text || textOf(row).includes(text));
    let shown = 0;
    const left = new Map();
    for (const row of rows) {
      const fit = !active || fits(row);
      if (row.hidden === fit) row.hidden = !fit;
      if (!fit) continue;
      shown += 1;
      const chunk = row.closest("details");
      left.set(chunk, (left.get(chunk) ?? 0) + 1);
    }
    for (const chunk of all("details.chunk")) {
      chunk.hidden = active && !left.has(chunk);
      if (active && shown <= OPENED && left.has(chunk)) chunk.open = true;
    }
    for (const lane of lanes) {
      const { outcome: state, type: kind } = lane.dataset;
      const fit = (!type || kind === type) && (!outcome || OF_LANE[outcome]?.has(state)) &&
        (!failures || FAILED.has(state)) && (!text || textOf(lane).includes(text));
      lane.classList.toggle("dim", !fit);
    }
    for (const folded of all("details.lanes")) {
      folded.hidden = active && !one(".lane[data-outcome]:not(.dim)", folded);
    }
    count.textContent = active ? `${number(shown)} of ${number(rows.length)} events` : `${number(rows.length)} events`;
  }

  let waiting;
  filter.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(apply, 120);
  });
  filter.hidden = false;
  apply();
})();
