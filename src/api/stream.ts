import type { ServerResponse } from 'node:http';

const pulseMs = 15_000;
/** A reader that does not read is let go: what waits for it is our memory. */
const waitingBytesMax = 1_000_000;

/** Server-sent events until the reader goes. */
export function startStream(
  response: ServerResponse,
  headers: Readonly<Record<string, string>>,
  start: (write: (text: string) => void) => () => void,
): void {
  const write = (text: string): void => {
    if (response.writableLength > waitingBytesMax) response.destroy();
    else response.write(text);
  };
  response.writeHead(200, { ...headers, 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store' });
  write(': open\n\n');
  const stop = start(write);
  const pulse = setInterval(() => write(': still here\n\n'), pulseMs);
  pulse.unref();
  response.on('close', () => {
    clearInterval(pulse);
    stop();
  });
  response.on('error', () => response.destroy());
}
