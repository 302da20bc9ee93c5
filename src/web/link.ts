import type { LiveMessage } from '../model/live.ts';

export type Link = 'opening' | 'live' | 'lost';

/** A server that lives says so every five seconds. */
const silentMs = 12_000;
const againMs = 1_000;
/** A message after a quiet moment is shown at once, those of a storm together: each showing costs a drawing of the page. */
const gatherMs = 10;
const stormMs = 60;

/** Listens for good: a stream that ends, or falls silent, is opened again. */
export function listen(
  url: string,
  receive: (messages: readonly LiveMessage[]) => void,
  tell: (link: Link) => void,
): void {
  let source: EventSource | null = null;
  let heardMs = performance.now();
  let waiting: LiveMessage[] = [];
  let shownMs = 0;

  function open(): void {
    source?.close();
    heardMs = performance.now();
    const opened = new EventSource(url);
    source = opened;
    opened.onmessage = ({ data }) => {
      heardMs = performance.now();
      if (waiting.length === 0) setTimeout(flush, Math.max(gatherMs, shownMs + stormMs - heardMs));
      waiting.push(JSON.parse(data));
    };
    opened.onerror = () => {
      tell('lost');
      // Where it does not try again by itself, for instance after an answer that was no stream.
      if (opened.readyState === EventSource.CLOSED) setTimeout(open, againMs);
    };
  }
  function flush(): void {
    const messages = waiting;
    waiting = [];
    shownMs = performance.now();
    tell('live');
    receive(messages);
  }
  setInterval(() => {
    if (performance.now() - heardMs < silentMs) return;
    tell('lost');
    open();
  }, 1_000);
  open();
}
