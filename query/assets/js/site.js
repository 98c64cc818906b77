// Nobody waits for "two days ago", which takes long to make for the first time: until then a time is in the server's words.
(globalThis.requestIdleCallback ?? setTimeout)(() => import('/library/relative-time.js'));

// A time in the reader's words and zone. The format takes longer to make than to use, and many pages have no time at all.
let format;
export const localTime = (milliseconds) =>
  (format ??= new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'short' })).format(milliseconds);

// Times come in UTC and are shown in the reader's zone, with UTC at hand.
export function localise(root) {
  for (const time of root.querySelectorAll('time[data-seconds]')) {
    time.title = `${time.textContent} UTC`;
    time.textContent = localTime(Number(time.dataset.seconds) * 1000);
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
