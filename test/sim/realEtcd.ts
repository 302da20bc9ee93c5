import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { createConnection } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '../support/ports.ts';

/** One real etcd on loopback, in a directory of its own; ports below the range that the kernel hands out. */
export async function startRealEtcd(): Promise<{ readonly url: string; stop(): Promise<void> }> {
  const directory = await mkdtemp(join(tmpdir(), 'conformance-etcd-'));
  const [client, peer] = [await freePort(21_000), await freePort(26_000)];
  const url = `http://127.0.0.1:${client}`;
  const peerUrl = `http://127.0.0.1:${peer}`;
  const etcd = spawn(
    'etcd',
    [
      ['--name', 'one'],
      ['--data-dir', directory],
      ['--listen-client-urls', url],
      ['--advertise-client-urls', url],
      ['--listen-peer-urls', peerUrl],
      ['--initial-advertise-peer-urls', peerUrl],
      ['--initial-cluster', `one=${peerUrl}`],
      ['--log-level', 'error'],
    ].flat(),
    { stdio: 'ignore' },
  );
  const ended = new Promise<void>((resolve) => etcd.once('exit', () => resolve()));
  const stop = async (): Promise<void> => {
    etcd.kill('SIGKILL');
    await ended;
    await rm(directory, { recursive: true, force: true });
  };
  for (let tries = 0; !(await answers(client)); tries++) {
    if (tries > 100) {
      await stop();
      throw new Error('etcd does not start');
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return { url, stop };
}

const answers = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = createConnection(port, '127.0.0.1', () => resolve(true));
    socket.once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
