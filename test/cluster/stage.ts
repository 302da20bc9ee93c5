import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Lab, makeLab } from '../../src/lab/lab.ts';
import type { PlanOptions } from '../../src/lab/plan.ts';
import { ctlOn, sqlOn } from '../../src/lab/psql.ts';
import { watchRights } from '../../src/lab/rights.ts';
import type { Ran } from '../../src/lab/run.ts';
import { makeWitnesses, promotionsOf } from '../../src/lab/witness.ts';
import type { History, Write } from '../../src/model/history.ts';
import { judge, type Violation } from '../../src/model/laws.ts';

/** The lab with a witness on each node: a writer of its own, over the socket, every 10 ms, that sees what the network hides. */
export interface Stage {
  readonly lab: Lab;
  /** Waits for one leader and all others streaming; the leader's name. */
  healthy(limitMs?: number): Promise<string>;
  standbys(): Promise<readonly string[]>;
  /** Witnesses end with their machine's power: called again after it is back. */
  witness(node: string): Promise<void>;
  /** What the witnesses acknowledged since the last call. */
  history(): History;
  /** Law 1 and its kin over everything seen so far. */
  violations(): Promise<readonly Violation[]>;
  /** Acknowledged writes by node since the last mark, in order of the server's clock. */
  acknowledged(): readonly Write[];
  /** Runs one statement on a node over the socket; rows as text. */
  sql(node: string, text: string): Promise<string>;
  until<T>(look: () => Promise<T | null | false | undefined>, limitMs: number, what: string): Promise<T>;
  /** Lines of the agent's log. */
  journal(node: string, pattern: RegExp): readonly string[];
  /** Of those, the ones after the last that matches `from`. */
  journalSince(node: string, from: RegExp, pattern: RegExp): readonly string[];
  /** `matriarch …` on a node, with the node's own configuration. */
  ctl(node: string, args: readonly string[]): Promise<Ran>;
  end(): Promise<void>;
}

const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
export const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

export async function makeStage(options: PlanOptions & { readonly witnesses?: boolean } = {}): Promise<Stage> {
  const folder = mkdtempSync(join(tmpdir(), 'matriarch-stage-'));
  let down: (() => Promise<unknown>) | null = null;
  let leaving = false;
  // Ctrl-C comes twice, from the terminal and from whoever began this.
  function leave(): void {
    if (leaving) return;
    leaving = true;
    void Promise.resolve(down?.()).finally(() => {
      rmSync(folder, { recursive: true, force: true });
      process.exit(130);
    });
  }
  for (const signal of signals) process.on(signal, leave);
  const lab = await makeLab({ nodes: 3, ttlS: 6, portBase: null, ...options, began: (end) => (down = end) });
  const rights = watchRights(lab);
  const witnesses = makeWitnesses(lab);
  const agentLog = (node: string): readonly string[] => readFileSync(lab.logPath(node, 'agent'), 'utf8').split('\n');
  const stage: Stage = {
    lab,
    async healthy(limitMs = 60_000) {
      const status = await lab.waitHealthy(limitMs);
      return status.leader ?? '';
    },
    async standbys() {
      const { leader } = await lab.status();
      return lab.nodes.map(({ name }) => name).filter((name) => name !== leader);
    },
    witness: witnesses.start,
    history: () => witnesses.history(),
    async violations() {
      await rights.caughtUp();
      const seen = witnesses.history();
      const heard = [...seen, ...rights.rights(), ...promotionsOf(seen)];
      // That rights overlap says only how late our ears are.
      return judge(heard, { fenceMs: 0, loss: { kind: 'none' } }).filter(({ kind }) => kind !== 'rightsOverlap');
    },
    acknowledged: () =>
      witnesses
        .history()
        .filter((one): one is Write => one.kind === 'write' && one.outcome === 'acknowledged')
        .toSorted((a, b) => (a.serverMs ?? 0) - (b.serverMs ?? 0)),
    sql: (node, text) => sqlOn(lab, node, text),
    async until(look, limitMs, what) {
      const endMs = Date.now() + limitMs;
      for (;;) {
        const found = await look().catch(() => null);
        if (found !== null && found !== false && found !== undefined) return found;
        if (Date.now() > endMs)
          throw new Error(`${what}: not within ${limitMs / 1_000} s; ${JSON.stringify((await lab.status()).members)}`);
        await sleep(50);
      }
    },
    journal: (node, pattern) => agentLog(node).filter((line) => pattern.test(line)),
    journalSince(node, from, pattern) {
      const lines = agentLog(node);
      return lines.slice(lines.findLastIndex((line) => from.test(line)) + 1).filter((line) => pattern.test(line));
    },
    ctl: (node, args) => ctlOn(lab, node, args),
    async end() {
      if (process.env.KEEP_LOGS !== undefined) {
        mkdirSync(process.env.KEEP_LOGS, { recursive: true });
        for (const { name } of lab.nodes)
          for (const service of ['agent', 'etcd', 'witness']) {
            try {
              writeFileSync(
                join(process.env.KEEP_LOGS, `${name}-${service}.log`),
                readFileSync(lab.logPath(name, service)),
              );
            } catch {
              // that service never wrote
            }
          }
      }
      rights.end();
      await lab.down();
      for (const signal of signals) process.off(signal, leave);
      rmSync(folder, { recursive: true, force: true });
    },
  };
  if (options.witnesses !== false) {
    await stage.healthy(90_000);
    for (const { name } of lab.nodes) await witnesses.start(name);
    await stage.until(async () => stage.acknowledged().length > 20, 20_000, 'the witness of the primary writes');
  }
  return stage;
}
