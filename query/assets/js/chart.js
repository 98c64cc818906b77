// Draws durations over time from the table that the server made, and again whenever that changes.

const HEIGHT = 240;
// Steps of the scale, milliseconds: round numbers of whichever unit they are written in.
const STEPS = [1, 2, 5, 10, 20, 50, 100, 200, 500,
  ...[1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 18_000, 36_000, 86_400].map((seconds) => seconds * 1000)];
let figure;
let chart;
const table = () => document.getElementById(figure.dataset.chart);

function words(milliseconds) {
  if (milliseconds === null || milliseconds === undefined) return '–';
  if (milliseconds < 1000) return `${Math.round(milliseconds)} ms`;
  if (milliseconds < 60_000) return `${+(milliseconds / 1000).toFixed(1)} s`;
  return milliseconds < 3_600_000 ? `${+(milliseconds / 60_000).toFixed(1)} min` : `${+(milliseconds / 3_600_000).toFixed(1)} h`;
}

// Columns of times, medians and 95th percentiles.
function data() {
  const points = [...table().querySelectorAll('tr[data-point]')].map((row) => row.dataset.point.split(' ').map(Number));
  return [0, 1, 2].map((column) => points.map((point) => point[column]));
}

function options(width) {
  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const axis = { stroke: colour('--soft'), grid: { stroke: colour('--line'), width: 1 }, ticks: { stroke: colour('--line') } };
  const line = (label, stroke, dash) => ({ label, stroke, dash, width: 2, value: (_, value) => words(value), points: { show: true, size: 5 } });
  return {
    width,
    height: HEIGHT,
    scales: { y: { range: (_, low, high) => [0, high * 1.1 || 1] } },
    axes: [axis, { ...axis, size: 70, incrs: STEPS, values: (_, ticks) => ticks.map(words) }],
    series: [{ label: 'Commits from' }, line('median', colour('--accent')), line('95 %', colour('--timeout'), [6, 4])],
  };
}

function draw() {
  chart?.destroy();
  chart = table() ? new window.uPlot(options(figure.clientWidth), data(), figure) : undefined;
}

const changes = new MutationObserver(draw);
const size = new ResizeObserver(() => chart?.setSize({ width: figure.clientWidth, height: HEIGHT }));

function start() {
  changes.disconnect();
  size.disconnect();
  figure = document.querySelector('[data-chart]');
  if (!figure) return;
  figure.setAttribute('role', 'img');
  draw();
  changes.observe(table(), { childList: true, subtree: true, attributes: true });
  size.observe(figure);
}

start();
document.addEventListener('htmx:afterSwap', start);
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => figure && draw());
