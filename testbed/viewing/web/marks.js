// Violations: on the stage while they last, on a bar for each episode, and one after the other by key.
const bars = document.getElementById("bars");
const marksAt = (row, episode, time) => episode.violations.filter((one) => one.start <= time + 1e-6 && time < one.end).sort((one, other) => other.severe - one.severe);

function drawBars() {
  bars.replaceChildren();
  for (const { row, episode, colour } of stages) {
    bars.insertAdjacentHTML("beforeend", '<div class="bar"><span class="ran"></span><span class="head"></span></div>');
    const bar = bars.lastElementChild, share = (time) => 100 * Math.min(1, Math.max(0, time / state.total));
    bar.style.setProperty("--c", `var(--${colour})`);
    bar.querySelector(".ran").style.width = share(episode.seconds) + "%";
    for (const one of episode.violations) {
      const button = document.createElement("button"), said = `${one.start.toFixed(1)} s, ${one.severe ? "severe" : "minor"}: ${one.text}`;
      Object.assign(button, { type: "button", title: said, className: one.severe ? "severe" : "minor" });
      button.setAttribute("aria-label", `${HEAD.rows[row].policy}, episode ${nameOf(row)}, ${said}`);
      button.style.left = `min(${share(one.start)}%, 100% - 8px)`;
      button.style.width = share(one.end) - share(one.start) + "%";
      button.addEventListener("click", (event) => { event.stopPropagation(); look(one); });
      bar.append(button);
    }
    bar.addEventListener("click", (event) => { const box = bar.getBoundingClientRect(); seek(state.total * (event.clientX - box.left) / box.width); });
  }
}

function look(violation) {
  pause();
  if (violation.body !== null && violation.body !== state.body) pick(violation.body);
  seek(violation.start);
  document.getElementById("said").textContent = `${violation.start.toFixed(1)} s: ${violation.text}`;
}

function violation(forward) {
  const all = stages.flatMap(({ episode }) => episode.violations).sort((one, other) => one.start - other.start);
  const next = forward ? all.find((one) => one.start > state.time + 1e-3) : all.findLast((one) => one.start < state.time - 1e-3);
  if (next) look(next);
}
