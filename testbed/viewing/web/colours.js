// Colours come from the style sheet, by day and by night; numbers are written as the reports write them.
const ARMS = ["clean teacher", "teacher", "control", "student", "untrained"];
const paint = {};

function mixColours() {
  const style = getComputedStyle(document.documentElement);
  for (const name of ["page", "panel", "ink", "soft", "line", "track", "severe", "minor", "meadow", "asphalt", "paving", "marking", "wood", "area",
    "car", "van", "truck", "bus", "walker", "hand", "own-unit", "their-unit", "glass", "barrier",
    ...[0, 1, 2, 3, 4, 5].map((slot) => "slot-" + slot), ...ARMS.map((arm) => arm.replace(" ", "-"))]) {
    paint[name] = style.getPropertyValue("--" + name).trim();
  }
}

const armOf = (policy) => ARMS.find((arm) => policy === arm || policy.startsWith(arm + " ")) || null;

// Arms have the report's colours where each is shown once; otherwise colours follow the places on the page.
function colourNames(rows) {
  const arms = rows.map((row) => armOf(HEAD.rows[row].policy));
  const own = arms.every((arm) => arm) && new Set(arms).size === arms.length;
  return rows.map((row, slot) => (own && rows.length > 1 ? arms[slot].replace(" ", "-") : "slot-" + (slot % 6)));
}

function written(value) {
  if (value === null || value === undefined || Number.isNaN(value)) return "–";
  const size = Math.abs(value);
  return size >= 100 ? value.toFixed(0) : size >= 10 ? value.toFixed(1) : size === 0 || Number.isInteger(value) ? String(value) : value.toFixed(2);
}

const sceneText = (row) => Object.entries(row.context).map(([factor, value]) => factor + "=" + value).join(", ");
const past = (measure, value, limit) => value !== null && limit !== null && (measure.worse === "higher" ? value >= limit : value <= limit);
