// How bodies look from above. The pen is at the middle of a body, along its heading, and measures in metres.
function rounded(pen, x, y, width, height, radius, colour) {
  pen.fillStyle = colour;
  pen.beginPath();
  pen.roundRect(x, y, width, height, radius);
  pen.fill();
}

function vehicle(pen, body, colour, state) {
  const { length, width } = body, front = length / 2, side = width / 2;
  rounded(pen, -front, -side, length, width, 0.45, colour);
  const cabin = body.look === "truck" || body.look === "bus";
  const glass = cabin ? [front - 1.5, 0.9] : [front - length * 0.36, length * 0.13];
  rounded(pen, glass[0], -side * 0.8, glass[1], width * 0.8, 0.2, paint.glass);
  if (!cabin) rounded(pen, -front + length * 0.12, -side * 0.75, length * 0.09, width * 0.75, 0.15, paint.glass);
  if (body.look === "truck") rounded(pen, front - 2.3, -side, 0.25, width, 0, paint.asphalt);
  if (state.braking) for (const y of [-side, side - 0.5]) rounded(pen, -front - 0.15, y, 0.5, 0.5, 0.1, paint.severe);
}

function walker(pen, body, colour) {
  const size = Math.max(body.width, 0.5);
  pen.fillStyle = colour;
  pen.beginPath();
  pen.ellipse(0, 0, size * 0.35, size * 0.62, 0, 0, 2 * Math.PI);
  pen.fill();
  pen.fillStyle = paint.ink;
  pen.beginPath();
  pen.arc(0, 0, size * 0.26, 0, 2 * Math.PI);
  pen.fill();
}

function unit(pen, body, colour) {
  rounded(pen, -body.length / 2, -body.width / 2, body.length, body.width, body.width * 0.12, colour);
}

function gripper(pen, body, colour, state) {
  const { length, width } = body, open = Math.max(state.opening || 0, 0.01) / 2;
  pen.globalAlpha = 0.55;
  rounded(pen, -length / 2, -width / 2, length, width, length * 0.25, colour);
  pen.globalAlpha = 1;
  for (const y of [-open - length * 0.2, open]) rounded(pen, -length * 0.2, y, length * 0.4, length * 0.2, 0, colour);
}

function hand(pen, body, colour) {
  pen.globalAlpha = 0.85;
  pen.fillStyle = colour;
  pen.beginPath();
  pen.ellipse(0, 0, body.length / 2, body.width / 2, 0, 0, 2 * Math.PI);
  pen.fill();
  pen.globalAlpha = 1;
}

function dot(pen, body, colour) {
  pen.fillStyle = colour;
  pen.beginPath();
  pen.arc(0, 0, body.length / 2, 0, 2 * Math.PI);
  pen.fill();
}

const LOOKS = {
  car: vehicle, van: vehicle, truck: vehicle, bus: vehicle, walker, gripper, hand, own: unit, theirs: unit, dot,
};
const TONES = { own: "own-unit", theirs: "their-unit", dot: "soft" };

// What is on the ground: [how, colour, width of a line in metres].
const GROUND = {
  asphalt: ["fill", "asphalt"], pavement: ["fill", "paving"], zebra: ["fill", "marking"], barrier: ["fill", "barrier"],
  bench: ["fill", "wood"], area: ["fill", "area"], place: ["edge", "soft", 0.004],
  line: ["stroke", "marking", 0.25], dashes: ["stroke", "marking", 0.25],
};
