// Keyboard: a timeline is one stop of the Tab key; inside it the arrow keys move from run to run.

function links(table) {
  return [...table.tBodies[0].rows].map((row) => [...row.cells].slice(1).map((cell) => cell.querySelector('a')));
}

// The next link from a place in a direction, over runs that are missing.
function next(grid, row, column, down, right) {
  for (let y = row + down, x = column + right; y in grid && x in grid[y]; y += down, x += right) {
    if (grid[y][x]) return grid[y][x];
  }
  return null;
}

const STEPS = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };

for (const table of document.querySelectorAll('[data-timeline]')) {
  const grid = links(table);
  const all = grid.flat().filter(Boolean);
  for (const link of all) link.tabIndex = -1;
  if (all.length) all[0].tabIndex = 0;

  table.addEventListener('keydown', (event) => {
    const link = event.target.closest('tbody td a');
    if (!link) return;
    const row = grid.findIndex((row) => row.includes(link));
    const column = grid[row].indexOf(link);
    const filled = grid[row].filter(Boolean);
    const step = STEPS[event.key];
    const target = step ? next(grid, row, column, ...step)
      : event.key === 'Home' ? filled[0]
      : event.key === 'End' ? filled.at(-1)
      : null;
    if (!target) return;
    event.preventDefault();
    link.tabIndex = -1;
    target.tabIndex = 0;
    target.focus();
    target.scrollIntoView({ block: 'nearest', inline: 'nearest' });
  });
}
