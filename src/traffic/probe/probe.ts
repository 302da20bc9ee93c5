import type { ClientGap } from '../../model/probe.ts';
import type { SqlTarget } from '../../model/world.ts';
import type { Client } from '../client.ts';
import type { Served } from '../meter.ts';
import type { Outside, Role } from '../seek.ts';
import { type Account, makeAccount, type PathEvent, type PathName, type PathStatus } from './account.ts';
import type { Finding } from './ledger.ts';
import { makeProbeReader } from './reader.ts';
import { makeProbeWriter } from './writer.ts';

export interface ProbePath extends PathName {
  /** One, or those of which whoever has the role is sought. */
  readonly targets: readonly SqlTarget[];
}

export interface ProbeOptions {
  readonly everyMs: number;
  readonly limitMs: number;
  readonly thresholdMs: number;
  /** A new connection for each statement. */
  readonly fresh: boolean;
  /** Unique to this run of this probe. */
  readonly run: string;
  readonly tell: (event: ProbeEvent) => void;
}

export type ProbeEvent = { readonly wallMs: number } & (
  | { readonly kind: 'path'; readonly path: PathName; readonly event: PathEvent }
  | { readonly kind: 'found'; readonly path: PathName; readonly finding: Finding }
  /** The probe itself had no processor, or was stopped: nothing was measured meanwhile. */
  | { readonly kind: 'stoodStill'; readonly ms: number }
);

export interface ProbeStatus {
  readonly thresholdMs: number;
  readonly paths: readonly (PathStatus & { readonly connections: number; readonly findings: Findings })[];
  readonly stoodStillMs: number;
}
/** How many values of each kind. */
export type Findings = Readonly<Record<Finding['kind'], number>>;

export interface Probe {
  status(): ProbeStatus;
  gaps(): readonly ClientGap[];
  stop(): Promise<void>;
}

const lookEveryMs = 100;
/** A look that comes later than this was held up, and with it whatever answer was waiting. */
const stoodStillMs = 1_000;
/** While nobody answers a host is tried no more rarely than this, for the end of a gap is seen no more exactly. */
const retryMsMax = 200;
/** A session with a standby is kept so long in case that one is promoted; behind a proxy the next may lead elsewhere. */
const askForMs = 1_000;

/** Statements at a steady pace on each path, and the books of what a client felt. */
export function startProbe(outside: Outside, paths: readonly ProbePath[], options: ProbeOptions): Probe {
  const { clock } = outside;
  const stopped = new AbortController();
  let lookedMs: number = clock.now();
  let stillMs = 0;
  const lines = paths.map(startLine);

  function tell(path: PathName, events: readonly PathEvent[]): void {
    for (const event of events) options.tell({ wallMs: clock.wall(), kind: 'path', path, event });
  }

  /** Before anything is counted: what came of standing still is no gap. */
  function look(): void {
    const nowMs = clock.now();
    const lateMs = nowMs - lookedMs;
    lookedMs = nowMs;
    if (lateMs < stoodStillMs) return;
    stillMs += lateMs;
    for (const { account } of lines) account.excuse(lateMs);
    options.tell({ wallMs: clock.wall(), kind: 'stoodStill', ms: lateMs });
  }

  function startLine({ kind, target, targets }: ProbePath, index: number) {
    const path = { kind, target };
    const account: Account = makeAccount(path, options.thresholdMs, { nowMs: clock.now(), wallMs: clock.wall() });
    const findings: Record<Finding['kind'], number> = {
      lost: 0,
      doubled: 0,
      reordered: 0,
      invented: 0,
      otherSystem: 0,
    };
    const retryMs = Math.min(options.everyMs, retryMsMax);
    const common = {
      everyMs: options.everyMs,
      limitMs: options.limitMs,
      connectLimitMs: options.limitMs,
      retryMs,
      askTimesMax: Math.ceil(askForMs / retryMs),
      fresh: options.fresh,
      onFailed: account.failed,
      sawRole(role: Role | 'stopped') {
        if (kind === 'write' && role === 'standby') account.failed('standby');
      },
      served(served: Served) {
        look();
        tell(path, account.served(served, clock.now(), clock.wall()));
      },
    };
    const client: Client =
      kind === 'read'
        ? makeProbeReader(outside, targets, common)
        : makeProbeWriter(outside, targets, {
            ...common,
            run: `${options.run}/${index}`,
            found(found) {
              for (const finding of found) {
                findings[finding.kind] += finding.values?.count ?? 1;
                options.tell({ wallMs: clock.wall(), kind: 'found', path, finding });
              }
            },
          });
    return { path, account, client, findings };
  }

  async function watch(): Promise<void> {
    while (!stopped.signal.aborted) {
      look();
      for (const { path, account } of lines) tell(path, account.look(clock.now()));
      await clock.sleep(lookEveryMs, stopped.signal);
    }
  }
  const watching = watch();

  return {
    status: () => ({
      thresholdMs: options.thresholdMs,
      stoodStillMs: stillMs,
      paths: lines.map(({ account, client, findings }) => ({
        ...account.status(clock.now()),
        connections: client.status().connections,
        findings: { ...findings },
      })),
    }),
    gaps: () => lines.flatMap(({ account }) => account.gaps(clock.now())),
    async stop() {
      stopped.abort();
      await Promise.all([watching, ...lines.map(({ client }) => client.stop())]);
    },
  };
}
