// Everything over time: what measures are made from, with thresholds, and every signal of the trace.
const AXIS = { 2: ["x", "y"], 3: ["x", "y", "z"] }, MOST_LINES = 24;

// A channel is one plot: where its numbers are in an episode, by body.
function channels(episode) {
  const found = HEAD.courses.map((course, number) => ({
    key: "course-" + number, title: course.title, unit: course.unit, minor: course.minor, severe: course.severe, group: "measures",
    lines: (one) => [courseOf(one, number)],
  }));
  episode.signals.forEach((signal, number) => {
    const [bodies = 1, ...rest] = episode.arrays[number].shape, parts = rest.reduce((product, size) => product * size, 1);
    for (let part = 0; part < parts; part++) {
      const name = parts === 1 ? "" : " " + ((AXIS[parts] || [])[part] || part);
      found.push({
        key: `signal-${signal.name}-${part}`, title: signal.name.replaceAll("_", " ") + name, unit: signal.unit, minor: null, severe: null, group: "signals",
        lines: (one) => { const array = arrayOf(one, signal.name); return array ? Array.from({ length: bodies }, (_, body) => array.columns[body * parts + part]) : []; },
      });
    }
  });
  return found;
}

class Plot {
  constructor(host, channel) {
    this.channel = channel;
    host.insertAdjacentHTML("beforeend", `<figure class="plot"><figcaption><b></b> <span class="unit"></span> <output></output></figcaption><div class="area"><canvas></canvas><div class="cursor"></div></div></figure>`);
    this.place = host.lastElementChild;
    this.place.querySelector("b").textContent = channel.title;
    this.place.querySelector(".unit").textContent = channel.unit ? `[${channel.unit}]` : "";
    this.area = this.place.querySelector(".area");
    this.canvas = this.place.querySelector("canvas");
    this.canvas.setAttribute("role", "img");
    this.canvas.setAttribute("aria-label", `${channel.title} over time`);
    this.cursor = this.place.querySelector(".cursor");
    this.output = this.place.querySelector("output");
    const go = (event) => { const box = this.area.getBoundingClientRect(); seek(state.total * (event.clientX - box.left) / box.width); };
    this.area.addEventListener("pointerdown", (event) => { this.area.setPointerCapture(event.pointerId); go(event); });
    this.area.addEventListener("pointermove", (event) => { if (event.buttons) go(event); });
    seen.observe(this.place);
  }

  // [values, colour, width, episode] of every line; of several episodes only the body that is looked at.
  lines() {
    const alone = stages.length === 1, found = [];
    for (const { episode, colour } of stages) {
      const lines = this.channel.lines(episode), main = Math.min(state.body ?? 0, lines.length - 1);
      if (alone) lines.slice(0, MOST_LINES).forEach((values, body) => { if (body !== main) found.push([values, paint.soft, 0.7, episode]); });
      if (lines.length) found.push([lines[main], paint[colour], 2, episode]);
    }
    return found;
  }

  draw() {
    if (!this.visible) { this.stale = true; return; }
    this.stale = false;
    const dense = devicePixelRatio || 1, width = this.area.clientWidth, height = this.area.clientHeight, pen = this.canvas.getContext("2d");
    [this.canvas.width, this.canvas.height] = [Math.round(width * dense), Math.round(height * dense)];
    pen.scale(dense, dense);
    const lines = this.lines(), [low, high] = this.range(lines.map(([values]) => values));
    const y = (value) => height - 5 - (height - 10) * (value - low) / (high - low);
    for (const [limit, colour] of [[this.channel.minor, paint.minor], [this.channel.severe, paint.severe]]) {
      if (limit === null || limit < low || limit > high) continue;
      pen.strokeStyle = colour;
      pen.setLineDash([5, 4]);
      stroke(pen, 1.5, [[0, y(limit)], [width, y(limit)]]);
      pen.setLineDash([]);
    }
    for (const [values, colour, wide, episode] of lines) {
      pen.strokeStyle = colour;
      const points = Array.from(values, (value, sample) => [width * sample / episode.rate / state.total, y(value)]);
      stroke(pen, wide, points);
    }
    pen.fillStyle = paint.soft;
    pen.font = "11px system-ui, sans-serif";
    pen.fillText(written(high), 2, 11);
    pen.fillText(written(low), 2, height - 3);
  }

  range(all) {
    let low = Infinity, high = -Infinity;
    for (const values of all) for (const value of values) { if (value < low) low = value; if (value > high) high = value; }
    if (low > high) return [0, 1];
    if (low === high && this.channel.minor !== null) [low, high] = [Math.min(low, this.channel.minor), Math.max(high, this.channel.minor)];
    const { minor, severe } = this.channel;
    if (severe !== null && severe < minor) high = Math.max(Math.min(high, 10 * minor), low + minor);  // far is not of interest
    for (const limit of [minor, severe]) {
      if (limit !== null && limit > low - 2 * (high - low) && limit < high + 2 * (high - low)) { low = Math.min(low, limit); high = Math.max(high, limit); }
    }
    return high - low > 1e-9 ? [low, high] : [low - 0.5, high + 0.5];
  }

  move(time) {
    if (!this.visible) return;
    this.cursor.style.transform = `translateX(${Math.min(1, time / state.total) * this.area.clientWidth}px)`;
    const said = stages.map(({ episode, colour }) => {
      const lines = this.channel.lines(episode), main = lines[Math.min(state.body ?? 0, lines.length - 1)];
      return [main ? written(main[sampleAt(episode, time)]) : "–", colour];
    });
    const text = said.map(([value]) => value).join("|");
    if (text === this.said) return;
    this.said = text;
    this.output.replaceChildren(...said.map(([value, colour]) => {
      const one = document.createElement("span");
      one.textContent = value;
      one.style.setProperty("--c", `var(--${colour})`);
      return one;
    }));
  }
}

function stroke(pen, wide, points) {
  pen.lineWidth = wide;
  pen.beginPath();
  let drawing = false;
  for (const [x, y] of points) {
    if (Number.isNaN(y)) drawing = false;
    else { pen[drawing ? "lineTo" : "moveTo"](x, y); drawing = true; }
  }
  pen.stroke();
}

// Only plots that are in sight are drawn.
const seen = new IntersectionObserver((entries) => {
  for (const entry of entries) {
    const plot = plots.find((one) => one.place === entry.target);
    if (!plot) continue;
    plot.visible = entry.isIntersecting;
    if (plot.visible) { if (plot.stale !== false) plot.draw(); plot.move(state.time); }
  }
}, { rootMargin: "200px" });
const plots = [];

function plotAll() {
  const wanted = channels(stages[0].episode), same = plots.length === wanted.length && plots.every((plot, number) => plot.channel.key === wanted[number].key);
  if (!same) {
    for (const plot of plots.splice(0)) seen.unobserve(plot.place);
    for (const group of ["measures", "signals"]) {
      const host = document.getElementById(group), some = wanted.filter((channel) => channel.group === group);
      host.replaceChildren();
      host.parentElement.hidden = !some.length;
      for (const channel of some) plots.push(new Plot(host, channel));
    }
  } else wanted.forEach((channel, number) => { plots[number].channel = channel; });
  for (const plot of plots) { plot.said = null; plot.draw(); plot.move(state.time); }
}
