// Two images on top of each other: with a slider between them, or one at a time. Without this script they stand side by
// side. The way is in the address.

const LABELS = { side: 'Side by side', overlay: 'Overlay with a slider', swap: 'Swap' };

const section = document.querySelector('[data-compare]');
const figures = { expected: section.querySelector('.expected'), actual: section.querySelector('.actual') };

const ways = document.createElement('fieldset');
ways.className = 'ways';
const legend = document.createElement('legend');
legend.textContent = 'How to compare';
ways.append(legend);
for (const way of section.dataset.ways.split(' ')) {
  const label = document.createElement('label');
  const choice = document.createElement('input');
  Object.assign(choice, { type: 'radio', name: 'compare', value: way, checked: way === section.dataset.compare });
  label.append(choice, LABELS[way]);
  ways.append(label);
}

const sliderLabel = document.createElement('label');
const slider = document.createElement('input');
Object.assign(slider, { type: 'range', min: 0, max: 100, value: 50 });
sliderLabel.append('Expected, actual', slider);

const swap = document.createElement('button');
swap.type = 'button';
swap.setAttribute('aria-live', 'polite');
ways.append(sliderLabel, swap);
section.querySelector('h2').after(ways);

let shown = 'actual';

function draw() {
  const way = section.dataset.compare;
  section.classList.toggle('stacked', way !== 'side');
  sliderLabel.hidden = way !== 'overlay';
  swap.hidden = way !== 'swap';
  sliderLabel.style.display = sliderLabel.hidden ? 'none' : '';
  swap.textContent = `Showing ${shown}, swap`;
  // The image, not its caption, so that the slider runs from edge to edge.
  figures.actual.querySelector('img').style.clipPath = way === 'overlay' ? `inset(0 0 0 ${slider.value}%)` : '';
  for (const [name, figure] of Object.entries(figures)) {
    figure.style.visibility = way === 'swap' && name !== shown ? 'hidden' : '';
  }
}

ways.addEventListener('change', (event) => {
  if (event.target.name !== 'compare') return;
  section.dataset.compare = event.target.value;
  const address = new URL(location.href);
  address.searchParams.set('compare', event.target.value);
  history.replaceState(null, '', address);
  draw();
});
slider.addEventListener('input', draw);
swap.addEventListener('click', () => {
  shown = shown === 'actual' ? 'expected' : 'actual';
  draw();
});
draw();
