// Keyboard and pointer in a timeline: it is one stop of the Tab key; inside it arrow keys move from run to run, Shift
// selects, Enter opens.

const STEPS = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };

export function connect(view, { open, tell }) {
  const { model } = view;
  let selection = null;
  let hasMarks = false;

  function mark() {
    if (!selection && !hasMarks) return;
    hasMarks = selection !== null;
    for (const [row, tr] of [...view.body.rows].entries()) {
      for (const cell of [...tr.cells].slice(1)) {
        const index = view.first + cell.cellIndex - 1;
        const [low, high] = selection ? [selection.from, selection.to].sort((one, other) => one - other) : [0, -1];
        const isSelected = selection?.row === row && index >= low && index <= high;
        if (isSelected) cell.setAttribute('aria-selected', 'true'); else cell.removeAttribute('aria-selected');
      }
    }
  }

  function select(row, from, to) {
    selection = from === to ? null : { row, from, to };
    mark();
  }

  // The next column in which the line has a run; the neighbour where it has none.
  function next(line, index, step) {
    for (let found = index + step; found >= 0 && found < model.columns; found += step) {
      const character = view.character(line, found);
      if (character !== '.') return found;
    }
    return index;
  }

  function target(event, { row, line, index }) {
    const step = STEPS[event.key];
    if (step?.[0]) return { row: Math.max(0, Math.min(view.drawn.length - 1, row + step[0])), index };
    if (step) return { row, index: event.ctrlKey ? index + step[1] : next(line, index, step[1]) };
    const to = { Home: 0, End: model.columns - 1, PageUp: index - view.shown, PageDown: index + view.shown }[event.key];
    return to === undefined ? null : { row, index: to };
  }

  view.table.addEventListener('keydown', async (event) => {
    const cell = event.target.closest('tbody td');
    if (!cell) return;
    const place = view.place(cell);
    if (event.key === 'Enter' || event.key === ' ') {
      event.preventDefault();
      open(place, selection, cell);
    } else if (event.key === 'Escape' && selection) {
      selection = null;
      mark();
    } else {
      const found = target(event, place);
      if (!found) return;
      event.preventDefault();
      const index = Math.max(0, Math.min(model.columns - 1, found.index));
      await model.ensure(Math.max(0, index - view.shown), index);
      const from = selection?.row === place.row ? selection.from : place.index;
      view.focus(found.row, index);
      select(place.row, event.shiftKey && found.row === place.row ? from : index, index);
    }
  });

  let pressed = null;
  view.table.addEventListener('pointerdown', (event) => {
    const cell = event.target.closest('tbody td');
    pressed = cell && event.pointerType === 'mouse' && event.button === 0 ? view.place(cell) : null;
  });
  view.table.addEventListener('pointerover', (event) => {
    const cell = event.target.closest('tbody td');
    if (!cell) return;
    const place = view.place(cell);
    tell(view.words(place.line, place.index));
    if (pressed && event.buttons & 1 && place.row === pressed.row) select(pressed.row, pressed.index, place.index);
  });
  view.table.addEventListener('click', (event) => {
    const cell = event.target.closest('tbody td');
    if (!cell) return;
    const place = view.place(cell);
    if (event.shiftKey && selection?.row === place.row) select(place.row, selection.from, place.index);
    else if (!selection || selection.row !== place.row || pressed?.index === place.index) select(place.row, place.index, place.index);
    cell.focus({ preventScroll: true });
    open(place, selection, cell);
  });
  view.table.addEventListener('focusin', (event) => {
    const cell = event.target.closest('tbody td');
    if (!cell) return;
    const { line, index } = view.place(cell);
    tell(view.words(line, index));
  });
  return { mark };
}
