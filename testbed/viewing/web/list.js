// The list of episodes: sorted by any severity, filtered by any word; one is shown, or several are compared.
const list = document.querySelector("#list tbody"), words = document.getElementById("words"), MOST_SHOWN = 6;
const several = new Set(HEAD.rows.map((row) => row.source)).size > 1;
const nameOf = (row) => (several ? row : HEAD.rows[row].number);
const policyOf = (row) => (several ? row.source + ": " : "") + row.policy;
const sorted = { by: null, down: true };
let entries = [];

const severity = (measure) => ({
  title: `${measure.title}${measure.unit ? ` [${measure.unit}]` : ""}`, of: (row) => row.values[measure.name], measure, kind: "number",
});

function columns() {
  const varied = HEAD.measures.filter((measure) => measure.name === HEAD.primary || HEAD.rows.some((row) => row.values[measure.name] !== HEAD.rows[0].values[measure.name]));
  varied.sort((one, other) => (other.name === HEAD.primary) - (one.name === HEAD.primary));
  const policies = new Set(HEAD.rows.map((row) => row.policy)).size > 1;
  return [
    { title: "episode", of: (row, number) => nameOf(number), kind: "number" },
    { title: "task", of: (row) => (row.success ? "✓" : "✕"), hint: (row) => row.outcome, kind: "text" },
    severity(varied[0]),
    ...(policies || several ? [{ title: "policy", of: policyOf, kind: "text" }] : []),
    ...varied.slice(1).map(severity),
    { title: "length [s]", of: (row) => row.seconds, kind: "number" },
    { title: "scene", of: sceneText, kind: "text" },
    { title: "seed", of: (row) => row.seed, kind: "number" },
  ];
}
const COLUMNS = columns();

function fillList() {
  const head = document.querySelector("#list thead tr");
  head.insertAdjacentHTML("beforeend", '<th scope="col"><span class="hidden">compare</span></th>');
  COLUMNS.forEach((column, number) => {
    head.insertAdjacentHTML("beforeend", `<th scope="col"><button type="button" data-sort="${number}"></button></th>`);
    head.lastElementChild.firstChild.textContent = column.title;
    if (column.measure) head.lastElementChild.title = column.measure.source;
  });
  entries = HEAD.rows.map((row, number) => {
    const line = document.createElement("tr");
    line.dataset.row = number;
    const tick = line.insertCell().appendChild(document.createElement("input"));
    Object.assign(tick, { type: "checkbox" });
    tick.setAttribute("aria-label", `show episode ${nameOf(number)} beside the others`);
    COLUMNS.forEach((column, place) => {
      const cell = line.insertCell(), value = column.of(row, number);
      if (place === 0) {
        const button = cell.appendChild(document.createElement("button"));
        Object.assign(button, { type: "button", textContent: value });
      } else cell.textContent = column.kind === "number" ? written(value) : value;
      if (column.kind === "number") cell.className = "number";
      if (column.measure && past(column.measure, value, column.measure.minor)) cell.className += " minor";
      if (column.measure && past(column.measure, value, column.measure.severe)) cell.className += " severe";
      if (column.hint) cell.title = column.hint(row);
    });
    return { line, text: [row.policy, row.source, row.outcome, sceneText(row), "seed " + row.seed].join(" ").toLowerCase() };
  });
  list.append(...entries.map((entry) => entry.line));
  head.addEventListener("click", (event) => { if (event.target.dataset.sort) sort(Number(event.target.dataset.sort)); });
  list.addEventListener("click", (event) => {
    const line = event.target.closest("tr"), row = Number(line.dataset.row);
    if (event.target.type === "checkbox") show(event.target.checked ? [...state.shown, row] : state.shown.filter((one) => one !== row));
    else show([row]);
  });
  words.addEventListener("input", filter);
}

function sort(number, down) {
  const column = COLUMNS[number], worstFirst = column.measure ? column.measure.worse === "higher" : false;
  sorted.down = down ?? (sorted.by === number ? !sorted.down : worstFirst);
  sorted.by = number;
  const value = entries.map((_, row) => column.of(HEAD.rows[row], row)), sign = sorted.down ? -1 : 1;
  const order = value.map((_, row) => row).sort((one, other) => {
    const [a, b] = [value[one], value[other]];
    if (a === null || b === null) return (a === null) - (b === null);
    return sign * (column.kind === "number" ? a - b : String(a).localeCompare(String(b))) || one - other;
  });
  list.append(...order.map((row) => entries[row].line));
  document.querySelectorAll("#list thead [data-sort]").forEach((button, place) => {
    button.parentElement.setAttribute("aria-sort", place === number ? (sorted.down ? "descending" : "ascending") : "none");
  });
}

function filter() {
  const wanted = words.value.toLowerCase().split(/\s+/).filter(Boolean);
  let left = 0;
  for (const { line, text } of entries) left += !(line.hidden = !wanted.every((word) => text.includes(word)));
  document.getElementById("left").textContent = wanted.length ? `${left} of ${entries.length}` : "";
}

function markShown() {
  entries.forEach(({ line }, row) => {
    const slot = state.shown.indexOf(row);
    line.classList.toggle("shown", slot >= 0);
    line.querySelector("input").checked = slot >= 0;
    line.style.setProperty("--c", slot >= 0 ? `var(--${stages[slot].colour})` : "");
    if (slot === 0) line.setAttribute("aria-current", "true");
    else line.removeAttribute("aria-current");
  });
}

// The next episode in the list as it is sorted and filtered.
function neighbour(by) {
  const lines = [...list.children].filter((line) => !line.hidden), at = lines.findIndex((line) => Number(line.dataset.row) === state.shown[0]);
  const next = lines[Math.max(0, Math.min(lines.length - 1, at + by))];
  if (next) { show([Number(next.dataset.row)]); next.scrollIntoView({ block: "nearest" }); }
}

// Everybody who played the scene of the first that is shown.
function sameScene(row) {
  const key = (one) => one.seed + JSON.stringify(one.context), here = key(HEAD.rows[row]);
  return HEAD.rows.flatMap((one, number) => (key(one) === here ? [number] : [])).slice(0, MOST_SHOWN);
}
