import { type Duration, durationMs, type Scenario, type Target } from '../../model/scenario.ts';
import type { ClientPath } from '../clients.ts';
import type { Evidence } from '../scenario/evidence.ts';
import { tellDuration, tellTarget } from '../scenario/tell.ts';
import type { Gap } from './gaps.ts';
import { judgeSideWork } from './sideWork.ts';
import { ms } from './words.ts';

/** Something that the scenario expects, and what was seen. */
export interface Expectation {
  readonly text: string;
  readonly held: boolean;
  readonly measured: string;
}

export function judgeExpectations(
  { expect, setUp }: Scenario,
  evidence: Evidence,
  gaps: Readonly<Record<ClientPath, Gap>>,
): readonly Expectation[] {
  const { ttlMs, steps, streamingAgainMs, broken, nodes } = evidence;
  if (nodes.length === 0) return []; // it was not played
  const gap = (wanted: Duration | null, path: ClientPath): readonly Expectation[] => {
    if (wanted === null) return [];
    const { gapMs } = gaps[path];
    const held = gapMs !== null && gapMs <= durationMs(wanted, ttlMs);
    return [
      {
        text: `${path} gap at most ${limit(wanted, ttlMs)}`,
        held,
        measured: gapMs === null ? 'never served' : ms(gapMs),
      },
    ];
  };
  const streaming = (wanted: Duration | null): readonly Expectation[] => {
    if (wanted === null) return [];
    const held = streamingAgainMs !== null && streamingAgainMs <= durationMs(wanted, ttlMs);
    const measured = streamingAgainMs === null ? 'not all of them' : ms(streamingAgainMs);
    const who = setUp.nodes === 2 ? 'the replica streams' : 'all replicas stream';
    return [{ text: `${who} within ${limit(wanted, ttlMs)} of the last step`, held, measured }];
  };
  return [
    ...steps.flatMap(({ text, failed }) => (failed === null ? [] : [{ text, held: false, measured: failed }])),
    // A run that was broken off has not shown who leads in the end.
    ...(broken === null ? primary(expect.primary, evidence) : []),
    ...gap(expect.writeGap, 'direct write'),
    ...gap(expect.proxiedWriteGap, 'proxied write'),
    ...gap(expect.readGap, 'direct read'),
    ...gap(expect.proxiedReadGap, 'proxied read'),
    ...streaming(expect.streamingWithin),
    ...judgeSideWork(evidence, expect.lostWrites === null ? null : durationMs(expect.lostWrites, ttlMs)),
  ];
}

function primary(wanted: Scenario['expect']['primary'], evidence: Evidence): readonly Expectation[] {
  const { primaryBefore: before, primaryAfter: after } = evidence;
  const measured = before === after ? `still ${after}` : `${before} → ${after ?? 'nobody'}`;
  switch (wanted) {
    case 'any':
      return [];
    case 'changed':
      return [{ text: 'another primary', held: after !== null && after !== before, measured }];
    case 'unchanged':
      return [
        {
          text: 'the same primary',
          held: after === before && !led(evidence),
          measured: led(evidence) ? `${measured}, but the leader key changed hands` : measured,
        },
      ];
    default: {
      const who = nameOf(wanted, evidence);
      return [{ text: `${tellTarget(wanted)} leads`, held: who !== null && who === after, measured }];
    }
  }
}

/** Somebody else held the key in between. */
const led = ({ leaderKey, fromMs, primaryBefore }: Evidence): boolean =>
  leaderKey.some(({ atMs, holder }) => atMs >= fromMs && holder !== null && holder !== primaryBefore);

function nameOf(target: Target, { primaryBefore, nodes }: Evidence): string | null {
  if (target.kind === 'node') return target.name;
  const replicas = nodes.filter((name) => name !== primaryBefore);
  if (target.role === 'primary') return primaryBefore;
  if (target.role === 'replica') return replicas[0] ?? null;
  return target.role === 'another replica' ? (replicas[1] ?? null) : null;
}

/** `ttl + 4 s` as well as what that is here. */
const limit = (wanted: Duration, ttlMs: number): string =>
  wanted.ttls === 0 ? ms(wanted.ms) : `${ms(durationMs(wanted, ttlMs))} (${tellDuration(wanted)})`;
