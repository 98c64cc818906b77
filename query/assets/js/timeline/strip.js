// The whole timeline in one strip: the share of unexpected failures along it, and the part that is shown.

const HEIGHT = 36;
const day = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium' });

export class Strip {
  constructor(view) {
    this.view = view;
    this.canvas = document.createElement('canvas');
    this.canvas.className = 'strip';
    this.canvas.tabIndex = 0;
    this.canvas.setAttribute('role', 'slider');
    this.canvas.setAttribute('aria-label', 'Place in the timeline, newest first');
    this.canvas.setAttribute('aria-valuemin', 0);
    // The failures stay while the place moves: they are drawn once and copied from there.
    this.failures = document.createElement('canvas');
    this.canvas.addEventListener('keydown', (event) => this.key(event));
    for (const kind of ['pointerdown', 'pointermove']) {
      this.canvas.addEventListener(kind, (event) => event.buttons & 1 && this.jump(event));
    }
    new ResizeObserver(() => this.drawFailures()).observe(this.canvas);
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => this.drawFailures());
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

  drawFailures() {
    const { canvas, failures } = this;
    const { model } = this.view;
    const scale = devicePixelRatio;
    const width = canvas.clientWidth;
    const colours = getComputedStyle(canvas);
    this.accent = colours.getPropertyValue('--accent');
    this.width = width;
    for (const each of [canvas, failures]) Object.assign(each, { width: width * scale, height: HEIGHT * scale });
    canvas.setAttribute('aria-valuemax', Math.max(0, model.columns - 1));
    const context = failures.getContext('2d');
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
    this.draw();
  }

  draw() {
    const { canvas, failures, width, view } = this;
    const { model, first, shown } = view;
    const seconds = Math.floor((model.column(first)?.uuid ?? 0) / 100);
    canvas.setAttribute('aria-valuenow', first);
    canvas.setAttribute('aria-valuetext', day.format(seconds * 1000));
    // Without a size there is nothing to draw on yet.
    if (!width) return;
    const context = canvas.getContext('2d');
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.clearRect(0, 0, canvas.width, canvas.height);
    context.drawImage(failures, 0, 0);
    context.scale(devicePixelRatio, devicePixelRatio);
    context.strokeStyle = this.accent;
    context.lineWidth = 2;
    const [from, to] = [first, first + shown].map((column) => column / Math.max(1, model.columns) * width);
    context.strokeRect(from + 1, 1, Math.max(4, to - from - 2), HEIGHT - 2);
  }
}
