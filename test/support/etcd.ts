import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface EtcdMember {
  readonly name: string;
  readonly url: string;
  readonly pid: number;
  signal(signal: 'SIGSTOP' | 'SIGCONT' | 'SIGKILL'): void;
  /** Starts it again, on its data, after SIGKILL. */
  restart(): Promise<void>;
}

export interface TestEtcd {
  readonly urls: readonly string[];
  readonly members: readonly EtcdMember[];
  member(url: string): EtcdMember;
  /** The member that leads now. */
  leader(): Promise<EtcdMember>;
  stop(): Promise<void>;
}

export interface EtcdOptions {
  readonly members?: number;
  /** Before the member's own: `--listen-client-urls` and the like come after. */
  readonly args?: readonly string[];
  /** `https` with the certificates in `args`. */
  readonly scheme?: 'http' | 'https';
}

/** A real etcd on loopback, in a temporary directory. It answers when this resolves; `stop` leaves nothing behind. */
export async function startEtcd({
  members: count = 3,
  args = [],
  scheme = 'http',
}: EtcdOptions = {}): Promise<TestEtcd> {
  const directory = await mkdtemp(join(tmpdir(), 'matriarch-etcd-'));
  const ports = await freePorts(count * 2);
  const places = Array.from({ length: count }, (_, i) => ({
    name: `m${i}`,
    url: `${scheme}://127.0.0.1:${ports[i * 2]}`,
    peerUrl: `http://127.0.0.1:${ports[i * 2 + 1]}`,
  }));
  const cluster = places.map(({ name, peerUrl }) => `${name}=${peerUrl}`).join(',');
  const started = places.map((place) => startMember(directory, place, cluster, args));
  const members = started.map(({ member }) => member);
  await Promise.all(members.map(({ url }) => healthy(url)));

  const memberAt = (url: string): EtcdMember => members.find((one) => one.url === url) ?? fail(`no member at ${url}`);
  return {
    urls: places.map(({ url }) => url),
    members,
    member: memberAt,
    async leader() {
      const states = await Promise.all(members.map(async ({ url }) => ({ url, leads: await leads(url) })));
      const found = states.find((one) => one.leads);
      return memberAt(found?.url ?? fail('etcd has no leader'));
    },
    async stop() {
      await Promise.all(started.map(({ kill }) => kill()));
      await rm(directory, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

function startMember(
  directory: string,
  place: { readonly name: string; readonly url: string; readonly peerUrl: string },
  cluster: string,
  args: readonly string[],
) {
  const { name, url, peerUrl } = place;
  let child = run();

  function run(): ChildProcess {
    const own = ['--name', name, '--data-dir', join(directory, name)];
    const client = ['--listen-client-urls', url, '--advertise-client-urls', url];
    const peer = ['--listen-peer-urls', peerUrl, '--initial-advertise-peer-urls', peerUrl];
    const join_ = [
      '--initial-cluster',
      cluster,
      '--initial-cluster-state',
      'new',
      '--initial-cluster-token',
      directory,
    ];
    const quiet = ['--log-level', 'error'];
    return spawn('etcd', [...args, ...quiet, ...own, ...client, ...peer, ...join_], { stdio: 'ignore' });
  }

  const exited = (): Promise<void> =>
    new Promise((resolve) => {
      if (child.exitCode !== null || child.signalCode !== null) resolve();
      else child.once('exit', () => resolve());
    });

  const member: EtcdMember = {
    name,
    url,
    get pid() {
      return child.pid ?? fail(`${name} is not running`);
    },
    signal: (signal) => void child.kill(signal),
    async restart() {
      await exited();
      child = run();
      await healthy(url);
    },
  };
  return {
    member,
    async kill() {
      child.kill('SIGKILL'); // reaches a stopped process too
      await exited();
    },
  };
}

async function healthy(url: string): Promise<void> {
  if (url.startsWith('https:')) return listening(url);
  for (let tries = 0; tries < 300; tries++) {
    const answer = await fetch(`${url}/health`, { signal: AbortSignal.timeout(1_000) })
      .then((reply) => reply.text())
      .catch(() => '');
    if (/"health":\s*"true"/.test(answer)) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  fail(`etcd at ${url} did not become healthy`);
}

/** With client certificates there is nothing to ask by HTTP: the port must do. */
async function listening(url: string): Promise<void> {
  const port = Number(new URL(url).port);
  for (let tries = 0; tries < 300; tries++) {
    const open = await new Promise<boolean>((resolve) => {
      const socket = connect(port, '127.0.0.1', () => {
        socket.destroy();
        resolve(true);
      });
      socket.once('error', () => resolve(false));
    });
    if (open) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  fail(`etcd at ${url} does not listen`);
}

async function leads(url: string): Promise<boolean> {
  const asked = { method: 'POST', body: '{}', signal: AbortSignal.timeout(2_000) };
  const text = await fetch(`${url}/v3/maintenance/status`, asked)
    .then((reply) => reply.text())
    .catch(() => '');
  // Ids exceed 2^53 and are compared as text.
  const leader = /"leader":"(\d+)"/.exec(text)?.[1];
  return leader !== undefined && leader === /"member_id":"(\d+)"/.exec(text)?.[1];
}

/** Ports below the kernel's own range, so that no outgoing connection sits on them. */
async function freePorts(count: number): Promise<number[]> {
  const found: number[] = [];
  let port = 20_000 + ((process.pid * 37 + Math.floor(performance.now()) * 11) % 12_000);
  while (found.length < count) {
    port = port >= 32_700 ? 20_000 : port + 1;
    if (await isFree(port)) found.push(port);
  }
  return found;
}

const isFree = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });

function fail(why: string): never {
  throw new Error(why);
}
