import { createServer } from 'node:net';

/** The first free port of a stretch below the range that the kernel hands out; other test processes look elsewhere. */
export async function freePort(from: number): Promise<number> {
  for (let port = from + (process.pid % 1000) * 4; port < from + 5000; port++) if (await isFree(port)) return port;
  throw new Error('no free port');
}

const isFree = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
