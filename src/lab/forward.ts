import { type ChildProcess, spawn } from 'node:child_process';
import { createServer, type Server } from 'node:net';
import type { Machine } from './ground.ts';
import type { Ports } from './plan.ts';
import { labCommandLine } from './program.ts';
import { toolEnv } from './run.ts';

/**
 * Makes the client's ports answer on the host's loopback: this process listens on the host and hands each connection
 * to a child that lives in the client's network. No firewall rule, no sysctl, no address of the lab on the host.
 */
export interface Forwarding {
  /** Anew after the client's power came back. */
  enter(client: Machine): void;
  end(): Promise<void>;
}

export async function makeForwarding(ports: Ports, inner: Ports): Promise<Forwarding> {
  let gate: ChildProcess | null = null;
  const wanted = [
    [ports.writes, inner.writes],
    [ports.reads, inner.reads],
    [ports.statistics, inner.statistics],
  ] as const;

  const servers = wanted.map(([outer, port]) => {
    const server = createServer({ pauseOnConnect: true }, (socket) => {
      socket.on('error', () => socket.destroy());
      if (gate === null || !gate.connected) socket.destroy();
      else gate.send({ port }, socket, (error) => error !== null && socket.destroy());
    });
    return { server, outer };
  });
  await listenAll(servers);
  return {
    enter(client) {
      gate?.kill('SIGKILL');
      const command = client.onItsNetwork(['setpriv', '--pdeathsig', 'KILL', ...labCommandLine(), 'gate']);
      const [program = '', ...args] = command;
      gate = spawn(program, args, { env: toolEnv(), stdio: ['ignore', 'ignore', 'inherit', 'ipc'], detached: true });
      gate.on('error', () => {});
    },
    async end() {
      gate?.kill('SIGKILL');
      await Promise.all(servers.map(({ server }) => new Promise((done) => server.close(done))));
    },
  };
}

/** For a lab whose HAProxy listens on the host itself: throws when a port is taken. */
export async function checkPorts(ports: Ports): Promise<void> {
  const servers = [ports.writes, ports.reads, ports.statistics].map((outer) => ({ server: createServer(), outer }));
  await listenAll(servers);
  await Promise.all(servers.map(({ server }) => new Promise((done) => server.close(done))));
}

async function listenAll(servers: readonly { readonly server: Server; readonly outer: number }[]): Promise<void> {
  const failures = await Promise.all(servers.map(({ server, outer }) => listen(server, outer)));
  const taken = failures.filter((failure) => failure !== null);
  if (taken.length === 0) return;
  for (const { server } of servers) server.close();
  throw new Error(`${taken.join(', ')}. Free what is taken, or move all three ports with --port-base`);
}

/** Null, or what is wrong with the port. */
function listen(server: Server, port: number): Promise<string | null> {
  return new Promise((settle) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      settle(error.code === 'EADDRINUSE' ? `port ${port} of 127.0.0.1 is taken` : `port ${port}: ${error.message}`);
    });
    server.listen(port, '127.0.0.1', () => settle(null));
  });
}
