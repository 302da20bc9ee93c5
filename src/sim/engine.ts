/**
 * Virtual time as a queue: fire one event, let every promise it settled drain, fire the next. Nothing else moves the
 * clock, so the same events in the same order give the same run, byte for byte.
 */
export interface Engine {
  /** True time of the run in ms since it began. Machines read it through clocks of their own. */
  now(): number;
  /** Calls `fire` at that true time (never before now); events of the same instant fire in the order they were asked for. */
  at(atMs: number, fire: () => void): () => void;
  after(delayMs: number, fire: () => void): () => void;
  /** Fires events until `done` holds between two of them; false when `untilMs` came, or nothing was left, first. */
  run(untilMs: number, done?: () => boolean): Promise<boolean>;
  /** Called after each event and its promises: where laws look. */
  onStep(step: () => void): void;
  /** Events fired so far. */
  fired(): number;
}

interface Event {
  readonly atMs: number;
  readonly order: number;
  fire: (() => void) | null; // null: cancelled
}

// Node takes the next tick only when no microtask is left: every promise chain has drained. A turn of the event loop would
// show the same, and cost ten times as much.
const drain = (): Promise<void> => new Promise((resolve) => process.nextTick(resolve));

export function makeEngine(): Engine {
  const queue: Event[] = [];
  const steps: (() => void)[] = [];
  let nowMs = 0;
  let order = 0;
  let fired = 0;
  let running = false;

  function at(atMs: number, fire: () => void): () => void {
    if (!(atMs < Number.POSITIVE_INFINITY)) throw new Error(`an event at ${atMs} ms`);
    const event: Event = { atMs: Math.max(atMs, nowMs), order: order++, fire };
    push(queue, event);
    return () => {
      event.fire = null;
    };
  }

  async function run(untilMs: number, done?: () => boolean): Promise<boolean> {
    if (running) throw new Error('the engine is running already');
    running = true;
    try {
      // What was started before the first event (a program's first steps) drains first. Out of a callback, a message's say,
      // the next tick would come before all promises: not so out of a promise.
      await null;
      await drain();
      for (;;) {
        if (done?.()) return true;
        const event = queue[0];
        if (event === undefined || event.atMs > untilMs) {
          nowMs = Math.max(nowMs, untilMs);
          return done?.() ?? false;
        }
        pop(queue);
        if (event.fire === null) continue;
        nowMs = event.atMs;
        fired++;
        event.fire();
        await drain();
        for (const step of steps) step();
      }
    } finally {
      running = false;
    }
  }

  return {
    now: () => nowMs,
    at,
    after: (delayMs, fire) => at(nowMs + delayMs, fire),
    run,
    onStep: (step) => void steps.push(step),
    fired: () => fired,
  };
}

const earlier = (a: Event, b: Event): boolean => a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);

/** A binary heap, earliest first. */
function push(heap: Event[], event: Event): void {
  let at = heap.push(event) - 1;
  while (at > 0) {
    const above = (at - 1) >> 1;
    const parent = heap[above];
    if (parent === undefined || !earlier(event, parent)) break;
    heap[at] = parent;
    at = above;
  }
  heap[at] = event;
}

function pop(heap: Event[]): void {
  const last = heap.pop();
  if (last === undefined || heap.length === 0) return;
  let at = 0;
  for (;;) {
    const left = heap[2 * at + 1];
    const right = heap[2 * at + 2];
    if (left === undefined) break;
    const [child, below] = right !== undefined && earlier(right, left) ? [right, 2 * at + 2] : [left, 2 * at + 1];
    if (!earlier(child, last)) break;
    heap[at] = child;
    at = below;
  }
  heap[at] = last;
}
