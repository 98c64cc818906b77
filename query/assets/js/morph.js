// Makes one tree like another in place: what stays the same stays the same node, so that focus, scroll positions and
// opened details survive. Siblings with `data-key` are matched by it, others by their place.

const keyOf = (node) => node.dataset?.key;
const isAlike = (one, other) => one.nodeName === other.nodeName && keyOf(one) === keyOf(other);

function attributes(old, fresh) {
  for (const { name, value } of fresh.attributes) {
    if (old.getAttribute(name) !== value) old.setAttribute(name, value);
  }
  // What a reader opened stays open, and custom elements keep what they set themselves.
  if (old.nodeName.includes('-')) return;
  for (const { name } of [...old.attributes]) {
    if (!fresh.hasAttribute(name) && !(old.nodeName === 'DETAILS' && name === 'open')) old.removeAttribute(name);
  }
}

export function morph(old, fresh) {
  if (old.nodeType !== Node.ELEMENT_NODE) {
    if (old.nodeValue !== fresh.nodeValue) old.nodeValue = fresh.nodeValue;
    return;
  }
  attributes(old, fresh);
  const keyed = new Map([...old.children].filter(keyOf).map((child) => [keyOf(child), child]));
  const wanted = new Set([...fresh.children].map(keyOf).filter(Boolean));
  let place = old.firstChild;
  for (const child of [...fresh.childNodes]) {
    // What is gone makes way, so that what stays need not move: moving takes the focus away.
    while (place && keyOf(place) && !wanted.has(keyOf(place))) {
      const gone = place;
      place = place.nextSibling;
      gone.remove();
    }
    const key = keyOf(child);
    const known = key ? keyed.get(key) : place && isAlike(place, child) ? place : undefined;
    keyed.delete(key);
    if (!known || !isAlike(known, child)) {
      old.insertBefore(document.importNode(child, true), place);
      continue;
    }
    if (known === place) place = place.nextSibling;
    else old.insertBefore(known, place);
    morph(known, child);
  }
  while (place) {
    const gone = place;
    place = place.nextSibling;
    gone.remove();
  }
}
