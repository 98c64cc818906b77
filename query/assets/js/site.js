import '/library/relative-time.js';

// Times come in UTC and are shown in the reader's zone, with UTC at hand.
export function localise(root) {
  for (const time of root.querySelectorAll('time[data-seconds]')) {
    const moment = new Date(Number(time.dataset.seconds) * 1000);
    time.title = `${time.textContent} UTC`;
    time.textContent = moment.toLocaleString(undefined, { dateStyle: 'medium', timeStyle: 'short' });
  }
  for (const zone of root.querySelectorAll('[data-zone]')) {
    zone.textContent = `(${Intl.DateTimeFormat().resolvedOptions().timeZone})`;
  }
}

// A page that is recorded under the site's title alone names its subject beside it.
function entitle() {
  const { title } = document.getElementById('content')?.dataset ?? {};
  if (title) document.title = title;
}

localise(document);
entitle();
// Whatever takes the place of the page's content is as the server made it.
document.addEventListener('htmx:afterSwap', () => localise(document.getElementById('content')));
// The title that came with it is set only after the swap.
document.addEventListener('htmx:afterSettle', entitle);
