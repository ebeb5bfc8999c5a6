// One clock for everything that is shown.
const SPEEDS = [0.1, 0.25, 0.5, 1, 2, 4, 8, 16];
const state = { shown: [], time: 0, total: 1, playing: false, speed: 1, body: null };
const stages = [], slider = document.getElementById("slider"), speed = document.getElementById("speed");
let last = 0;

function tick(now) {
  if (!state.playing) return;
  state.time = Math.min(state.total, state.time + (now - last) / 1000 * state.speed);
  last = now;
  drawMoment();
  if (state.time >= state.total) pause();
  else requestAnimationFrame(tick);
}

function drawMoment() {
  for (const stage of stages) stage.draw(state.time);
  for (const plot of plots) plot.move(state.time);
  const share = 100 * state.time / state.total;
  for (const head of bars.querySelectorAll(".head")) head.style.left = share + "%";
  slider.value = state.time;
  const told = `${state.time.toFixed(2)} of ${state.total.toFixed(1)} s`;
  document.getElementById("time").textContent = told;
  slider.setAttribute("aria-valuetext", told);
}

function play() {
  if (state.time >= state.total - 1e-6) state.time = 0;
  state.playing = true;
  last = performance.now();
  requestAnimationFrame(tick);
  sayPlaying();
}

function pause() {
  if (!state.playing) return;
  state.playing = false;
  snap();
  sayPlaying();
}

function sayPlaying() {
  const button = document.getElementById("play");
  button.textContent = state.playing ? "❚❚" : "▶";
  button.setAttribute("aria-label", state.playing ? "pause" : "play");
}

// What stands still is a sample, not something between two.
function snap() {
  const rate = stages.length ? stages[0].episode.rate : 1;
  state.time = Math.max(0, Math.min(state.total, Math.round(state.time * rate) / rate));
  drawMoment();
  writeLink();
}

function seek(time) {
  state.time = Math.max(0, Math.min(state.total, time));
  document.getElementById("said").textContent = "";
  if (state.playing) drawMoment();
  else snap();
}

function step(samples) {
  pause();
  seek(state.time + samples / stages[0].episode.rate);
}

function setSpeed(value) {
  state.speed = value;
  speed.value = value;
  if (!state.playing) writeLink();
}

function pick(body) {
  state.body = body;
  const bodies = stages[0].episode.bodies, who = body !== null && bodies[body];
  document.getElementById("picked").textContent = who ? who.name : "";
  for (const plot of plots) { plot.said = null; plot.draw(); plot.move(state.time); }
  drawMoment();
}

// Shows some episodes on one clock; those that are there already keep their stage.
let asked = 0;
async function show(rows, time = null) {
  const wanted = [...new Set(rows)].slice(0, MOST_SHOWN), turn = ++asked;
  if (!wanted.length) return markShown();
  const episodes = await Promise.all(wanted.map(load));
  if (turn !== asked) return;
  const alone = wanted.length === 1, changed = state.shown[0] !== wanted[0];
  state.shown = wanted;
  state.total = Math.max(...episodes.map((episode) => episode.seconds));
  if (time !== null) state.time = time;
  else if (alone && changed) state.time = 0;
  state.time = Math.min(state.time, state.total);
  if (alone && changed) state.body = null;
  slider.max = state.total;
  slider.step = 1 / episodes[0].rate;
  const host = document.getElementById("stages"), colours = colourNames(wanted);
  for (const stage of stages.splice(0)) stage.leave();
  host.replaceChildren();
  host.classList.toggle("beside", HEAD.domain !== "driving" && !alone);
  wanted.forEach((row, slot) => stages.push(new Stage(host, row, episodes[slot], colours[slot])));
  const others = sameScene(wanted[0]).length, button = document.getElementById("everybody");
  button.hidden = others < 2;
  button.textContent = `compare all ${others} in this scene`;
  drawBars();
  plotAll();
  markShown();
  pick(state.body);
  writeLink();
}
