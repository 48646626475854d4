"use strict";
// All that the page says stands in it without this: the script sorts, searches and switches.
(() => {
  const make = (tag, properties = {}) => Object.assign(document.createElement(tag), properties);

  // Columns sort by what their cells say: numbers as numbers, what is missing last.
  const key = (row, column) => {
    const text = (row.cells[column]?.textContent ?? "").trim();
    const number = Number.parseFloat(text.replace("−", "-").replaceAll(",", ""));
    return { text, number, missing: text === "" || text === "–" };
  };
  const compare = (a, b, numeric) =>
    a.missing || b.missing ? a.missing - b.missing : numeric ? a.number - b.number : a.text.localeCompare(b.text);
  for (const table of document.querySelectorAll("table.sorts")) {
    const body = table.tBodies[0];
    [...table.tHead.rows[0].cells].forEach((head, column) => {
      const button = make("button", { type: "button", textContent: head.textContent });
      head.replaceChildren(button);
      button.addEventListener("click", () => {
        const up = head.getAttribute("aria-sort") !== "ascending";
        for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
        head.setAttribute("aria-sort", up ? "ascending" : "descending");
        const keyed = [...body.rows].map((row) => [key(row, column), row]);
        const numeric = head.classList.contains("n");
        keyed.sort(([a], [b]) => (a.missing || b.missing ? 1 : up ? 1 : -1) * compare(a, b, numeric));
        body.append(...keyed.map(([, row]) => row));
      });
    });
  }

  // One search over the table of clusters and their cards.
  const rows = [...document.querySelectorAll("#cluster-table tbody tr")];
  const cards = [...document.querySelectorAll(".card")];
  const tools = document.querySelector("#cluster-tools");
  if (tools && rows.length) {
    const input = make("input", { type: "search", id: "search" });
    const label = make("label", { htmlFor: "search", textContent: "Search clusters" });
    const found = make("span", { className: "soft" });
    found.setAttribute("role", "status");
    const texts = new Map([...rows, ...cards].map((part) => [part, part.textContent.toLowerCase()]));
    input.addEventListener("input", () => {
      const wanted = input.value.trim().toLowerCase();
      for (const [part, text] of texts) part.hidden = !text.includes(wanted);
      found.textContent = wanted ? `${rows.filter((row) => !row.hidden).length} of ${rows.length} rows` : "";
    });
    tools.append(label, input, found);
  }

  // Layers of the map.
  const switches = document.querySelector("#map-tools");
  for (const layer of switches ? document.querySelectorAll("#map-picture [data-layer]") : []) {
    const label = make("label");
    const box = make("input", { type: "checkbox", checked: true });
    box.addEventListener("change", () => (layer.style.display = box.checked ? "" : "none"));
    label.append(box, layer.dataset.layer);
    switches.append(label);
  }

  // A cluster under the pointer is lit in the plot, on the map and in the table.
  const of = new Map();
  for (const part of document.querySelectorAll("[data-cluster]")) {
    const group = of.get(part.dataset.cluster) ?? of.set(part.dataset.cluster, []).get(part.dataset.cluster);
    group.push(part);
    const light = (on) => () => of.get(part.dataset.cluster).forEach((one) => one.classList.toggle("lit", on));
    part.addEventListener("mouseenter", light(true));
    part.addEventListener("mouseleave", light(false));
  }
})();
