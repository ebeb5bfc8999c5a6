// A stage shows one episode from above: its ground, its bodies, and what is marked. It pans, zooms and follows.
const AXES = { driving: [0, 1, 1, 1], warehouse: [1, 1, 0, -1], other: [0, 1, 1, -1] }[HEAD.domain];
const BRAKING = -1, TRAIL = 3, LEAST = 15;  // [m/s2], [s], [px]

class Stage {
  constructor(host, row, episode, colour) {
    Object.assign(this, { row, episode, colour });
    const shown = HEAD.rows[row], title = `${policyOf(shown)}, episode ${nameOf(row)}`;
    host.insertAdjacentHTML("beforeend", `<article class="stage panel"><header><h2></h2><p class="soft"></p></header>
      <div class="view"><canvas tabindex="0" role="img"></canvas><div class="zoom"><button type="button" data-do="in" aria-label="zoom in">+</button><button type="button" data-do="out" aria-label="zoom out">−</button><button type="button" data-do="fit" aria-label="show as at first">⌂</button></div></div></article>`);
    this.place = host.lastElementChild;
    this.place.style.setProperty("--c", `var(--${colour})`);
    this.place.querySelector("h2").textContent = title;
    this.place.querySelector("p").textContent = `${sceneText(shown)} · seed ${shown.seed} · ${shown.outcome} after ${shown.seconds.toFixed(1)} s`;
    this.canvas = this.place.querySelector("canvas");
    this.canvas.setAttribute("aria-label", `${title} from above: ${sceneText(shown)}, ${shown.outcome}`);
    this.pen = this.canvas.getContext("2d");
    if (!episode.bodies.length) {
      this.place.querySelector(".view").outerHTML = '<p class="soft">The trace has no position of shape (samples, bodies, 2 or 3): its signals are below.</p>';
      return;
    }
    this.tall = episode.position.shape[1] === 3;
    this.listen();
    this.fit();
    this.watch = new ResizeObserver(() => { if (this.canvas.parentElement.clientWidth !== this.size[0]) this.fit(); });
    this.watch.observe(this.canvas.parentElement);
  }

  leave() {
    if (!this.empty) this.watch.disconnect();
  }

  get empty() { return !this.episode.bodies.length; }

  // Size of the canvas and the part of the world in it: of a road its whole width, else everything.
  fit() {
    if (this.empty) return;
    const width = this.canvas.parentElement.clientWidth, [across, along] = [AXES[2], AXES[0]];
    const bounds = boundsOf(this.episode);
    this.following = HEAD.domain === "driving";
    if (this.following) {
      this.scale = Math.min(13, Math.max(4.4, width / 110));
      this.size = [width, Math.min(320, (bounds[across][1] - bounds[across][0] + 2) * this.scale)];
    } else {
      const extent = [bounds[along][1] - bounds[along][0], bounds[across][1] - bounds[across][0]];
      this.scale = Math.min(width / (1.06 * extent[0]), 340 / (1.06 * extent[1]));
      this.size = [width, 1.06 * extent[1] * this.scale];
    }
    this.above = this.size[1];
    if (this.tall) this.size[1] += this.side = Math.min(220, Math.max(70, heightOf(this.episode) * this.scale + 44));
    this.middle = [(bounds[along][0] + bounds[along][1]) / 2, (bounds[across][0] + bounds[across][1]) / 2];
    const dense = devicePixelRatio || 1;
    [this.canvas.width, this.canvas.height] = this.size.map((value) => Math.round(value * dense));
    this.canvas.style.height = this.size[1] + "px";
    this.draw(state.time);
  }

  listen() {
    const pointers = new Map();
    let moved = 0;
    this.canvas.addEventListener("pointerdown", (event) => {
      pointers.set(event.pointerId, [event.offsetX, event.offsetY]);
      this.canvas.setPointerCapture(event.pointerId);
      moved = 0;
    });
    this.canvas.addEventListener("pointermove", (event) => {
      const before = pointers.get(event.pointerId);
      if (!before) return;
      const now = [event.offsetX, event.offsetY], apart = () => { const [a, b] = [...pointers.values()]; return Math.hypot(a[0] - b[0], a[1] - b[1]); };
      const wide = pointers.size === 2 && apart();
      pointers.set(event.pointerId, now);
      moved += Math.hypot(now[0] - before[0], now[1] - before[1]);
      if (wide) this.zoom(apart() / wide, now);
      else if (moved > 4) this.pan(now[0] - before[0], now[1] - before[1]);
    });
    for (const name of ["pointerup", "pointercancel"]) {
      this.canvas.addEventListener(name, (event) => {
        if (pointers.delete(event.pointerId) && name === "pointerup" && moved <= 4) pick(this.bodyAt(event.offsetX, event.offsetY));
      });
    }
    this.canvas.addEventListener("wheel", (event) => {
      if (!event.ctrlKey && !event.metaKey && document.activeElement !== this.canvas) return;
      event.preventDefault();
      this.zoom(Math.exp(-event.deltaY / 400), [event.offsetX, event.offsetY]);
    }, { passive: false });
    this.place.querySelector(".zoom").addEventListener("click", (event) => {
      const what = event.target.dataset.do, centre = [this.size[0] / 2, this.above / 2];
      if (what === "fit") this.fit();
      else if (what) this.zoom(what === "in" ? 1.4 : 1 / 1.4, centre);
    });
  }

  pan(right, down) {
    this.following = false;
    this.middle = [this.middle[0] - AXES[1] * right / this.scale, this.middle[1] - AXES[3] * down / this.scale];
    this.draw(state.time);
  }

  zoom(by, [left, top]) {
    const held = this.world(left, top);
    this.scale = Math.min(4000, Math.max(0.5, this.scale * by));
    const now = this.world(left, top);
    this.middle = this.middle.map((value, axis) => value + held[axis] - now[axis]);
    this.draw(state.time);
  }

  world(left, top) {
    return [this.middle[0] + AXES[1] * (left - this.size[0] / 2) / this.scale, this.middle[1] + AXES[3] * (top - this.above / 2) / this.scale];
  }

  at(point) {
    return [this.size[0] / 2 + AXES[1] * (point[AXES[0]] - this.middle[0]) * this.scale, this.above / 2 + AXES[3] * (point[AXES[2]] - this.middle[1]) * this.scale];
  }

  places(time) {
    const { columns, shape } = this.episode.position, at = Math.min(time * this.episode.rate, this.episode.samples - 1);
    return this.episode.bodies.map((_, body) => Array.from({ length: shape[1] }, (_, axis) => between(columns[body * shape[1] + axis], at)));
  }

  bodyAt(left, top) {
    const apart = this.places(state.time).map((place) => { const [x, y] = this.at(place); return Math.hypot(x - left, y - top); });
    const nearest = apart.indexOf(Math.min(...apart));
    return apart[nearest] < 28 ? nearest : null;
  }

  draw(time) {
    if (this.empty) return;
    const { pen, episode } = this, places = this.places(time), dense = devicePixelRatio || 1;
    if (this.following) this.middle[0] = places[0][AXES[0]];
    pen.setTransform(dense, 0, 0, dense, 0, 0);
    pen.fillStyle = HEAD.domain === "driving" ? paint.meadow : paint.panel;
    pen.fillRect(0, 0, ...this.size);
    for (const patch of HEAD.ground) this.patch(patch);
    this.trail(time);
    const marked = marksAt(this.row, episode, time), order = this.tall ? byHeight(places) : places.map((_, body) => places.length - 1 - body);
    for (const body of order) this.body(body, places[body], time, marked);
    if (this.tall) this.elevation(places, marked);
    this.labels(marked, places, time >= episode.seconds - 0.5 / episode.rate);
    this.ruler();
  }

  patch({ look, outline, name }) {
    const { pen } = this, [how, colour, wide] = GROUND[look];
    pen.beginPath();
    outline.forEach((point, number) => pen[number ? "lineTo" : "moveTo"](...this.at(point)));
    if (how !== "stroke") pen.closePath();
    if (how === "fill") {  // the edge closes seams between patches of one colour
      pen.fillStyle = pen.strokeStyle = paint[colour];
      pen.lineWidth = 1;
      pen.fill();
      pen.stroke();
    }
    else {
      pen.strokeStyle = paint[colour];
      pen.lineWidth = Math.max(1, wide * this.scale);
      pen.setLineDash(look === "dashes" ? [3 * this.scale, 5.66 * this.scale] : []);
      pen.stroke();
      pen.setLineDash([]);
    }
    if (!name) return;
    const corners = outline.map((point) => this.at(point)), left = Math.min(...corners.map((c) => c[0])), top = Math.min(...corners.map((c) => c[1]));
    this.write(name, left + 4, top + 12, paint.ink, 11);
  }

  trail(time) {
    const { pen, episode } = this, { columns, shape } = episode.position, last = sampleAt(episode, time);
    pen.strokeStyle = paint[this.colour];
    pen.globalAlpha = 0.6;
    pen.lineWidth = 2;
    pen.beginPath();
    for (let sample = Math.max(0, last - Math.round(TRAIL * episode.rate)); sample <= last; sample++) {
      pen.lineTo(...this.at(Array.from({ length: shape[1] }, (_, axis) => columns[axis][sample])));
    }
    pen.stroke();
    pen.globalAlpha = 1;
  }

  body(number, place, time, marked) {
    const { pen, episode } = this, body = episode.bodies[number], [x, y] = this.at(place), at = time * episode.rate;
    const heading = arrayOf(episode, "heading"), pushed = arrayOf(episode, "acceleration"), wide = arrayOf(episode, "width");
    const mark = marked.find((one) => one.body === number);
    if (x < -200 || y < -200 || x > this.size[0] + 200 || y > this.above + 200) return;
    pen.save();
    pen.translate(x, y);
    if (mark || number === state.body) this.halo(body, mark);
    if (heading) pen.rotate(turned(heading.columns[number], at) * AXES[3]);
    else if (HEAD.domain === "warehouse") pen.rotate(-Math.PI / 2);
    const scale = body.look === "walker" ? Math.max(this.scale, LEAST / body.width) : this.scale;  // or nobody sees them
    pen.scale(scale, scale);
    const braking = pushed && HEAD.domain === "driving" && between(pushed.columns[number], at) < BRAKING && body.look !== "walker";
    LOOKS[body.look](pen, body, number === 0 ? paint[this.colour] : paint[TONES[body.look] || body.look], { braking, opening: wide ? between(wide.columns[0], at) : 0 });
    pen.restore();
  }

  halo(body, mark) {
    const { pen } = this;
    pen.strokeStyle = mark ? (mark.severe ? paint.severe : paint.minor) : paint.ink;
    pen.lineWidth = 3;
    pen.beginPath();
    pen.arc(0, 0, Math.max(12, 0.62 * Math.hypot(body.length, body.width) * this.scale), 0, 2 * Math.PI);
    pen.stroke();
  }

  // The same from the side: how high things are.
  elevation(places, marked) {
    const { pen, episode } = this, low = this.low ??= Math.min(...episode.bodies.map((body, number) => Math.min(...episode.position.columns[3 * number + 2]) - body.length / 2));
    pen.fillStyle = paint.panel;
    pen.fillRect(0, this.above, this.size[0], this.side);
    const foot = this.size[1] - 14, height = (z) => foot - (z - low) * this.scale;
    pen.fillStyle = paint.wood;
    pen.fillRect(0, foot, this.size[0], 6);
    this.write("from the side", 6, this.above + 14, paint.soft, 11);
    places.forEach((place, number) => {
      const body = this.episode.bodies[number], mark = marked.find((one) => one.body === number), side = body.length * this.scale;
      pen.fillStyle = number === 0 ? paint[this.colour] : paint[TONES[body.look] || body.look];
      pen.fillRect(this.at(place)[0] - side / 2, Math.max(this.above, height(place[2]) - side / 2), side, side);
      if (mark) { pen.strokeStyle = mark.severe ? paint.severe : paint.minor; pen.lineWidth = 2; pen.strokeRect(this.at(place)[0] - side / 2, height(place[2]) - side / 2, side, side); }
    });
  }

  labels(marked, places, ended) {
    const told = new Set();
    let line = 0;
    for (const mark of marked) {
      if (told.has(mark.text)) continue;
      told.add(mark.text);
      const colour = mark.severe ? paint.severe : paint.minor, place = places[mark.body ?? 0];
      const [x, y] = place ? this.at(place) : [this.size[0] / 2, 30];
      this.chip(mark.text, x, y - 26 - 22 * line++, colour);
    }
    if (ended) this.chip("ended: " + HEAD.rows[this.row].outcome, this.size[0] / 2, this.above - 8, paint.ink);
  }

  chip(text, x, y, colour) {
    const { pen } = this;
    pen.font = "600 13px system-ui, sans-serif";
    const wide = pen.measureText(text).width + 14, left = Math.min(Math.max(4, x - wide / 2), this.size[0] - wide - 4), foot = Math.max(22, Math.min(y, this.above - 4));
    rounded(pen, left, foot - 18, wide, 20, 5, paint.panel);
    pen.strokeStyle = colour;
    pen.lineWidth = 2;
    pen.stroke();
    pen.fillStyle = paint.ink;
    pen.fillText(text, left + 7, foot - 4);
  }

  write(text, left, foot, colour, size) {
    this.pen.font = `${size}px system-ui, sans-serif`;
    this.pen.fillStyle = colour;
    this.pen.fillText(text, left, foot);
  }

  ruler() {
    const { pen } = this, way = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 200].find((one) => one * this.scale > 50) || 500, wide = way * this.scale;
    const right = this.size[0] - 10, foot = this.above - 8;
    rounded(pen, right - wide - 4, foot - 18, wide + 8, 22, 4, paint.panel);
    pen.fillStyle = paint.ink;
    pen.fillRect(right - wide, foot, wide, 2);
    this.write(way < 1 ? Math.round(100 * way) + " cm" : way + " m", right - wide, foot - 4, paint.ink, 11);
  }
}

function boundsOf(episode) {
  const { columns, shape } = episode.position, bounds = [[Infinity, -Infinity], [Infinity, -Infinity]];
  const hold = (axis, value) => { bounds[axis][0] = Math.min(bounds[axis][0], value); bounds[axis][1] = Math.max(bounds[axis][1], value); };
  for (const patch of HEAD.ground) for (const point of patch.outline) for (const axis of [0, 1]) hold(axis, point[axis]);
  if (!HEAD.ground.length) columns.forEach((values, column) => { const axis = column % shape[1]; if (axis < 2) for (const value of values) if (!Number.isNaN(value)) hold(axis, value); });
  return bounds.map(([low, high]) => (high - low > 1e-6 ? [low, high] : [low - 0.5, high + 0.5]));
}

function heightOf(episode) {
  const heights = episode.position.columns.filter((_, column) => column % 3 === 2);
  return Math.max(...heights.map((values) => Math.max(...values))) - Math.min(...heights.map((values) => Math.min(...values)));
}

const byHeight = (places) => places.map((_, body) => body).sort((one, other) => places[one][2] - places[other][2]);
