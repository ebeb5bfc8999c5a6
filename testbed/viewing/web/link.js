// A place in the page as a link: #episode=3,17&t=4.2&speed=0.5
let own = null;

function writeLink() {
  const parts = [`episode=${state.shown.map(nameOf).join(",")}`, `t=${state.time.toFixed(2)}`];
  if (state.speed !== 1) parts.push(`speed=${state.speed}`);
  own = "#" + parts.join("&");
  if (location.hash !== own) history.replaceState(null, "", own);
}

// Returns what the address asks for, of episodes those that are here.
function readLink() {
  const asked = new URLSearchParams(location.hash.slice(1)), rows = new Map(HEAD.rows.map((_, row) => [String(nameOf(row)), row]));
  const shown = (asked.get("episode") || "").split(",").map((name) => rows.get(name)).filter((row) => row !== undefined);
  const time = Number(asked.get("t")), fast = Number(asked.get("speed"));
  return { shown, time: Number.isFinite(time) && time > 0 ? time : 0, speed: SPEEDS.includes(fast) ? fast : 1 };
}

function follow() {
  const { shown, time, speed } = readLink();
  setSpeed(speed);
  return show(shown.length ? shown : [firstShown()], time).then(() => { if (shown.length) snap(); });
}

// Without a link the worst by the primary measure is shown.
function firstShown() {
  const primary = HEAD.measures.find((measure) => measure.name === HEAD.primary), sign = primary.worse === "higher" ? 1 : -1;
  return HEAD.rows.reduce((best, row, number) => (sign * row.values[primary.name] > sign * HEAD.rows[best].values[primary.name] ? number : best), 0);
}
