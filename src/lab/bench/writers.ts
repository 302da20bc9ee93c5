import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { readHistoryFiles } from '../../traffic/historyFile.ts';
import { launchClient, targetsOf } from '../clients.ts';
import type { Lab } from '../lab.ts';
import { signal } from '../procfs.ts';
import { until } from '../run.ts';
import { acknowledgements, longestGapMs } from './statistics.ts';
import { type Route, routes, type WriteCounts } from './words.ts';

/** How long writes must have come steadily for a client to count as served (again). */
const steadyMs = 3_000;
const steadyGapMs = 500;

/** Two clients on the client machine, each with a write every 10 ms: one with a list of hosts, one through HAProxy. */
export interface Writers {
  /** Longest time without a write until now, of what the fault at `fromMs` may have caused. */
  gapMs(fromMs: number): Readonly<Record<Route, number>>;
  /** Waits until both have written steadily for a while, all of it after `fromMs`; `told` about every 10 s. */
  untilSteady(fromMs: number, limitMs: number, told: (waitedS: number) => void): Promise<void>;
  stop(): Promise<void>;
  /** Of both, against what the leader holds now. */
  count(leader: string): Promise<WriteCounts>;
}

export async function startWriters(lab: Lab, name: string): Promise<Writers> {
  const { plan, client } = lab;
  const folder = dirname(plan.client.paths.pgpass); // a place of its own on either kind of ground
  const key = (route: Route): string => `bench-${name}-${route}`;
  const file = (route: Route): string => join(folder, `${key(route)}.jsonl`);
  const targets = targetsOf(lab);
  for (const route of routes)
    await launchClient(lab, {
      command: 'write',
      target: targets[route === 'direct' ? 'direct write' : 'proxied write'],
      perSecond: 100,
      key: key(route),
      client: key(route),
      history: file(route),
      logPath: lab.logPath('client', `bench-${route}`),
    });
  const acknowledged = (route: Route): readonly number[] => {
    const path = client.machine.hostPath(file(route));
    return existsSync(path) ? acknowledgements(readHistoryFiles([path]), key(route)) : [];
  };
  const running = () => client.machine.processes().filter(({ argv }) => routes.some((one) => argv.includes(key(one))));

  return {
    gapMs(fromMs) {
      const of = (route: Route): number => {
        const gap = longestGapMs(acknowledged(route), fromMs, Date.now());
        if (gap === null) throw new Error(`the client (${route}) never wrote`);
        return gap;
      };
      return { direct: of('direct'), proxy: of('proxy') };
    },
    async untilSteady(fromMs, limitMs, told) {
      let toldS = 0;
      const steady = await until(
        () => {
          const nowMs = Date.now();
          const waitedS = Math.floor((nowMs - fromMs) / 10_000) * 10;
          if (waitedS > toldS) told(waitedS);
          toldS = waitedS;
          const sinceMs = nowMs - steadyMs;
          const calm = (route: Route): boolean => {
            const recent = acknowledged(route).filter((ms) => ms > sinceMs);
            return recent.length > 0 && (longestGapMs([sinceMs, ...recent], sinceMs, nowMs) ?? 0) < steadyGapMs;
          };
          return sinceMs > fromMs && routes.every(calm) ? true : null;
        },
        limitMs,
        1_000,
      );
      if (steady === null) throw new Error(`the clients do not write steadily after ${limitMs / 1000} s`);
    },
    async stop() {
      for (const { pid } of running()) signal(pid, 'SIGTERM');
      const gone = await until(() => (running().length === 0 ? true : null), 5_000, 100);
      if (gone === null) for (const { pid } of running()) signal(pid, 'SIGKILL');
    },
    async count(leader) {
      const heldBy = plan.nodes.find(({ name: node }) => node === leader)?.host ?? leader;
      const argv = ['matriarch', 'traffic', 'judge', ...routes.map(file), '--held-by', `${heldBy}:5432`];
      const ran = await client.exec(argv, { limitMs: 60_000 });
      return readCounts(ran.stdout) ?? fail(`the writes can not be counted: ${ran.stderr || ran.stdout}`);
    },
  };
}

/** What `traffic judge` prints: a violation a line, then the counts. */
export function readCounts(text: string): WriteCounts | null {
  const lines = text.split('\n').filter((line) => line.startsWith('{'));
  const last = lines.pop();
  if (last === undefined) return null;
  const counts: Partial<WriteCounts> = JSON.parse(last);
  const { acknowledged, failed, unknown, lost, doubled } = counts;
  const numbers = [acknowledged, failed, unknown, lost, doubled];
  if (!numbers.every((number) => typeof number === 'number')) return null;
  const splitBrains = lines.filter((line) => line.includes('"splitBrain"')).length;
  return {
    acknowledged: acknowledged ?? 0,
    failed: failed ?? 0,
    unknown: unknown ?? 0,
    lost: lost ?? 0,
    doubled: doubled ?? 0,
    splitBrains,
  };
}

function fail(why: string): never {
  throw new Error(why);
}
