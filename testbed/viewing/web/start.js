// What the buttons and keys do, and the first thing that is shown.
const KEYS = {
  " ": () => (state.playing ? pause() : play()), ArrowLeft: (event) => step(event.shiftKey ? -stages[0].episode.rate : -1),
  ArrowRight: (event) => step(event.shiftKey ? stages[0].episode.rate : 1), n: () => violation(true), p: () => violation(false),
  j: () => neighbour(1), k: () => neighbour(-1), "+": () => faster(1), "-": () => faster(-1), Home: () => seek(0), End: () => seek(state.total),
  f: () => stages.forEach((stage) => stage.fit()), a: () => show(sameScene(state.shown[0])), "/": () => words.focus(),
};

function faster(by) {
  setSpeed(SPEEDS[Math.max(0, Math.min(SPEEDS.length - 1, SPEEDS.indexOf(state.speed) + by))]);
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const typing = event.target.matches("input[type=search], select") || (event.target.matches("button, summary, a, input") && [" ", "Enter"].includes(event.key));
  const sliding = event.target === slider && !["n", "p", "j", "k"].includes(event.key);
  if (event.key === "Escape" && event.target === words) { words.value = ""; filter(); words.blur(); return; }
  if (typing || sliding || !(event.key in KEYS) || !stages.length) return;
  event.preventDefault();
  KEYS[event.key](event);
});

const DO = { play: KEYS[" "], back: () => step(-1), on: () => step(1), before: () => violation(false), next: () => violation(true), everybody: KEYS.a };
for (const [id, does] of Object.entries(DO)) document.getElementById(id).addEventListener("click", does);
slider.addEventListener("input", () => { pause(); seek(Number(slider.value)); });
speed.append(...SPEEDS.map((value) => new Option(value + "x", value)));
speed.addEventListener("change", () => setSpeed(Number(speed.value)));

let drawing = 0;
addEventListener("resize", () => {
  clearTimeout(drawing);
  drawing = setTimeout(() => { for (const plot of plots) plot.draw(); drawMoment(); }, 100);
});
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => { mixColours(); for (const plot of plots) plot.draw(); drawMoment(); });
addEventListener("hashchange", () => { if (location.hash !== own) follow(); });

mixColours();
fillList();
sort(COLUMNS.findIndex((column) => column.measure && column.measure.name === HEAD.primary));
if (window.DecompressionStream) follow();
else {
  const trouble = document.getElementById("trouble");
  trouble.hidden = false;
  trouble.textContent = "This browser cannot unpack the episodes: take Chrome or Edge from 103, Firefox from 113, or Safari from 16.4 on.";
}
