import { connect, Socket } from 'node:net';

/** The other side of forward.ts: runs in the client's network, gets connections of the host, and joins each to a port here. */
export function runGate(): void {
  process.on('disconnect', () => process.exit(0));
  process.on('message', (message: unknown, outer: unknown) => {
    if (!(outer instanceof Socket)) return;
    const port = typeof message === 'object' && message !== null && 'port' in message ? Number(message.port) : 0;
    const inner = connect({ host: '127.0.0.1', port, noDelay: true });
    outer.setNoDelay(true);
    join(outer, inner);
    join(inner, outer);
    outer.resume(); // it came paused
  });
}

function join(from: Socket, to: Socket): void {
  from.pipe(to);
  from.on('error', () => to.destroy());
  from.on('close', () => to.destroySoon());
}
