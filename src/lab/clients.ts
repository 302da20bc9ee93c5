import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { History, SharedMs } from '../model/history.ts';
import { readHistoryFiles } from '../traffic/historyFile.ts';
import type { TrafficStatus } from '../traffic/meter.ts';
import { psqlEnv } from './environment.ts';
import type { Lab } from './lab.ts';
import { until } from './run.ts';
import { lastStatus } from './traffic.ts';
import { endAll, historyFolder } from './witness.ts';

/** How an application reaches the cluster: by a list of hosts, or through HAProxy. */
export const clientPaths = ['direct write', 'proxied write', 'direct read', 'proxied read'] as const;
export type ClientPath = (typeof clientPaths)[number];
export const isWritePath = (path: ClientPath): boolean => path.endsWith('write');

export interface ClientStart {
  readonly command: 'write' | 'read';
  readonly target: string;
  readonly perSecond: number;
  readonly key: string | null;
  /** Its name in the history. */
  readonly client: string;
  readonly history: string;
  readonly logPath: string;
}

/** `matriarch traffic … --json` on the client machine: a line a second, and every statement in its history. */
export function launchClient({ plan, client }: Lab, start: ClientStart): Promise<void> {
  const nodes = plan.nodes.map(({ name, address }) => `${name}=${address}:5432`).join(',');
  const flags = [
    ...['--rate', String(start.perSecond), '--quiet', '--json', '--nodes', nodes],
    ...['--history', start.history, '--client', start.client],
    ...(start.key === null ? [] : ['--key', start.key]),
  ];
  return client.machine.launch(['matriarch', 'traffic', start.command, start.target, ...flags], {
    user: 'postgres',
    logPath: start.logPath,
    env: psqlEnv(plan.client, plan.haproxy.writes),
  });
}

/** The targets of both kinds of connection. */
export function targetsOf({ plan }: Lab) {
  const hosts = plan.nodes.map(({ host }) => `${host}:5432`).join(',');
  return {
    'direct write': hosts,
    'direct read': hosts,
    'proxied write': `${plan.client.host}:${plan.haproxy.writes}`,
    'proxied read': `${plan.client.host}:${plan.haproxy.reads}`,
  } as const satisfies Readonly<Record<ClientPath, string>>;
}

/** Two writers and two readers, one of each by either path. */
export interface Clients {
  readonly keys: readonly string[];
  status(path: ClientPath): TrafficStatus | null;
  /** Waits until all of them have been served without a pause for a while; false when the limit passed. */
  untilSteady(limitMs: number, signal?: AbortSignal): Promise<boolean>;
  /** Gives when they were told to end first: what is not answered after that is not waited for. */
  stop(): Promise<SharedMs>;
  history(): History;
}

/** Statements a second of each client: what cannot be told of a gap is 1 s / this. */
export const clientRate = 50;
const calmGapMs = 800;
const calmForMs = 2_500;

export async function startClients(lab: Lab, name: string): Promise<Clients> {
  const folder = historyFolder(lab);
  const slug = (path: ClientPath): string => `${name}-${path.replace(' ', '-')}`;
  const historyPath = (path: ClientPath): string => join(folder, `client-${slug(path)}.jsonl`);
  const logPath = (path: ClientPath): string => lab.logPath('client', slug(path));
  /** A reader reads what the writer of its own path writes: how far it is behind can be told then. */
  const keyOf = (path: ClientPath): string => slug(path.startsWith('direct') ? 'direct write' : 'proxied write');
  const targets = targetsOf(lab);
  await Promise.all(
    clientPaths.map((path) =>
      launchClient(lab, {
        command: isWritePath(path) ? 'write' : 'read',
        target: targets[path],
        perSecond: clientRate,
        key: keyOf(path),
        client: slug(path),
        history: historyPath(path),
        logPath: logPath(path),
      }),
    ),
  );
  let toldMs: SharedMs | null = null;
  const running = () =>
    lab.client.machine.processes().filter(({ argv }) => clientPaths.some((path) => argv.includes(historyPath(path))));

  /** Null: it has said nothing for a while, and so is not served. */
  const status = (path: ClientPath): TrafficStatus | null => lastStatus(logPath(path));
  const fresh = (path: ClientPath): boolean =>
    existsSync(logPath(path)) && Date.now() - statSync(logPath(path)).mtimeMs < 2_500;
  return {
    keys: clientPaths.filter(isWritePath).map(keyOf),
    status,
    async untilSteady(limitMs, signal) {
      let calmSinceMs = Number.POSITIVE_INFINITY;
      const calm = await until(
        () => {
          const served = clientPaths.every((path) => {
            const seen = fresh(path) ? status(path) : null;
            return seen !== null && seen.gapMs !== null && seen.gapMs < calmGapMs && seen.perSecond > 0;
          });
          calmSinceMs = served ? Math.min(calmSinceMs, Date.now()) : Number.POSITIVE_INFINITY;
          return Date.now() - calmSinceMs >= calmForMs ? true : null;
        },
        limitMs,
        250,
        signal,
      );
      return calm !== null;
    },
    async stop() {
      toldMs ??= Date.now();
      await endAll(running);
      return toldMs;
    },
    history: () => readHistoryFiles(clientPaths.map(historyPath).filter((path) => existsSync(path))),
  };
}
