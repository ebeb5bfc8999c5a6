// Episodes, unpacked when they are looked at; the last few are kept. The format is testbed.viewing.packing's.
const HEAD = JSON.parse(document.getElementById("head").textContent);
const NOTHING = -(2 ** 31), KEPT = 32;
const kept = new Map();

function load(row) {
  const there = kept.get(row) || unpack(document.getElementById("e" + row).textContent.trim());
  kept.delete(row);
  kept.set(row, there);
  if (kept.size > KEPT) kept.delete(kept.keys().next().value);
  return there;
}

async function unpack(text) {
  const packed = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate-raw"));
  const bytes = new Uint8Array(await new Response(stream).arrayBuffer());
  const length = new DataView(bytes.buffer).getUint32(0, true);
  const episode = JSON.parse(new TextDecoder().decode(bytes.subarray(4, 4 + length)));
  let at = 4 + length;
  episode.arrays = episode.arrays.map(({ shape, step }) => {
    const [samples, ...rest] = shape, columns = rest.reduce((product, size) => product * size, 1);
    const part = bytes.subarray(at, at += 4 * samples * columns);
    return { shape: rest, columns: columnsOf(part, samples, columns, step) };
  });
  episode.seconds = episode.samples / episode.rate;
  episode.position = arrayOf(episode, "position");
  return episode;
}

function columnsOf(part, samples, columns, step) {
  const count = samples * columns, found = [];
  for (let column = 0; column < columns; column++) {
    const values = new Float64Array(samples);
    for (let sample = 0, sum = 0; sample < samples; sample++) {
      const i = column * samples + sample;
      sum = (sum + (part[i] | (part[count + i] << 8) | (part[2 * count + i] << 16) | (part[3 * count + i] << 24))) | 0;
      values[sample] = sum === NOTHING ? NaN : sum * step;
    }
    found.push(values);
  }
  return found;
}

function arrayOf(episode, name) {
  const at = episode.signals.findIndex((signal) => signal.name === name);
  return at < 0 ? null : episode.arrays[at];
}

const courseOf = (episode, number) => episode.arrays[episode.signals.length + number].columns[0];
const sampleAt = (episode, time) => Math.max(0, Math.min(episode.samples - 1, Math.floor(time * episode.rate + 1e-6)));

// A column between two samples; what has ended stays where it was.
function between(values, at) {
  const low = Math.max(0, Math.min(values.length - 1, Math.floor(at))), high = Math.min(low + 1, values.length - 1);
  return values[low] + (values[high] - values[low]) * Math.max(0, Math.min(1, at - low));
}

function turned(values, at) {
  const low = Math.max(0, Math.min(values.length - 1, Math.floor(at))), high = Math.min(low + 1, values.length - 1);
  const turn = Math.atan2(Math.sin(values[high] - values[low]), Math.cos(values[high] - values[low]));
  return values[low] + turn * Math.max(0, Math.min(1, at - low));
}
