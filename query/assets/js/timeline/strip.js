// The whole timeline in one strip: the share of unexpected failures along it, and the part that is shown.

const HEIGHT = 36;

export class Strip {
  constructor(view) {
    this.view = view;
    this.canvas = document.createElement('canvas');
    this.canvas.className = 'strip';
    this.canvas.tabIndex = 0;
    this.canvas.setAttribute('role', 'slider');
    this.canvas.setAttribute('aria-label', 'Place in the timeline, newest first');
    this.canvas.setAttribute('aria-valuemin', 0);
    this.canvas.addEventListener('keydown', (event) => this.key(event));
    for (const kind of ['pointerdown', 'pointermove']) {
      this.canvas.addEventListener(kind, (event) => event.buttons & 1 && this.jump(event));
    }
    new ResizeObserver(() => this.draw()).observe(this.canvas);
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => this.draw());
  }

  jump(event) {
    const { left, width } = this.canvas.getBoundingClientRect();
    const { model, shown } = this.view;
    this.view.scrollTo(Math.round((event.clientX - left) / width * model.columns - shown / 2));
  }

  key(event) {
    const { first, shown, model } = this.view;
    const to = {
      ArrowLeft: first - shown, ArrowDown: first - shown, ArrowRight: first + shown, ArrowUp: first + shown,
      PageUp: first - 10 * shown, PageDown: first + 10 * shown, Home: 0, End: model.columns,
    }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    this.view.scrollTo(to);
  }

  draw() {
    const { canvas, view } = this;
    const { model, first, shown } = view;
    const scale = devicePixelRatio;
    const width = canvas.clientWidth;
    canvas.width = width * scale;
    canvas.height = HEIGHT * scale;
    canvas.setAttribute('aria-valuemax', Math.max(0, model.columns - 1));
    canvas.setAttribute('aria-valuenow', first);
    const seconds = Math.floor((model.column(first)?.uuid ?? 0) / 100);
    canvas.setAttribute('aria-valuetext', new Date(seconds * 1000).toLocaleDateString());
    const context = canvas.getContext('2d');
    const colours = getComputedStyle(canvas);
    context.scale(scale, scale);
    context.fillStyle = colours.getPropertyValue('--fail');
    let at = 0;
    for (const { columns, runs, unexpected } of model.strip) {
      const [from, to] = [at, at + columns].map((column) => column / model.columns * width);
      // Even one failure among thousands is to be seen.
      const height = unexpected ? Math.max(2, unexpected / runs * (HEIGHT - 4)) : 0;
      context.fillRect(from, HEIGHT - 2 - height, Math.max(1, to - from - 0.5), height);
      at += columns;
    }
    context.strokeStyle = colours.getPropertyValue('--accent');
    context.lineWidth = 2;
    const [from, to] = [first, first + shown].map((column) => column / Math.max(1, model.columns) * width);
    context.strokeRect(from + 1, 1, Math.max(4, to - from - 2), HEIGHT - 2);
  }
}
