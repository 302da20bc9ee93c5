import type { Server } from 'node:http';
import type { Socket } from 'node:net';

const addressOf = ({ remoteAddress, remotePort }: Pick<Socket, 'remoteAddress' | 'remotePort'>): string =>
  `${remoteAddress} ${remotePort}`;

/**
 * At most so many connections at once. Where there are more, the one goes that has been waiting longest without an answer under
 * way, and not the one that comes: whoever opens a thousand and says nothing must not keep a load balancer from asking who
 * is primary.
 */
export function keepDoor(server: Server, most: number): void {
  // By address: with TLS a request comes from another object than the connection that carries it.
  const open = new Map<string, Socket>();
  /** Of these, without an answer under way; who waits longest first. */
  const waiting = new Set<string>();

  server.on('connection', (socket) => {
    const address = addressOf(socket);
    open.set(address, socket);
    waiting.add(address);
    socket.once('close', () => {
      open.delete(address);
      waiting.delete(address);
    });
    if (open.size <= most) return;
    const [first = address] = waiting;
    open.get(first)?.destroy();
  });
  server.on('request', (request, response) => {
    const address = addressOf(request.socket);
    waiting.delete(address);
    response.once('close', () => {
      if (open.has(address)) waiting.add(address);
    });
  });
}
