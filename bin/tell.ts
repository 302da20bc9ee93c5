import { pino } from 'pino';
import { factsInBrief } from '../src/codec/rest/happening.ts';
import type { Entry, Fact } from '../src/model/decision.ts';

/** Journal entries as log lines on stdout, written at once: a line lost in a buffer is the line that mattered. */
export function makeTell(log: { readonly level: string; readonly type: 'plain' | 'json' }): (entry: Entry) => void {
  const level = log.level.toLowerCase().replace('warning', 'warn').replace('critical', 'fatal');
  const destination = pino.destination({ fd: 1, sync: true });
  destination.on('error', () => undefined); // nobody reads it any more
  const out = pino(
    { level: ['trace', 'debug', 'info', 'warn', 'error', 'fatal'].includes(level) ? level : 'info', base: null },
    destination,
  );
  return (entry) => {
    const weight =
      entry.kind === 'note'
        ? ({ info: 'info', warning: 'warn', error: 'error' } as const)[entry.level]
        : entry.kind === 'guard'
          ? 'warn'
          : 'info';
    if (!out.isLevelEnabled(weight)) return;
    if (log.type === 'json') out[weight](entry);
    else
      process.stdout.write(
        `${entry.wall.replace('T', ' ').replace('Z', '').replace('.', ',')} ${weight.toUpperCase()}: ${sentence(entry)}\n`,
      );
  };
}

const facts = (because: readonly Fact[]): string => {
  const known = because.filter(([, value]) => value !== null);
  return known.length === 0 ? '' : ` (${known.map(([name, value]) => `${name}=${value}`).join(', ')})`;
};

export function sentence(entry: Entry): string {
  switch (entry.kind) {
    case 'decided': {
      const acts = entry.actions
        .filter(({ outcome }) => outcome !== 'skipped')
        .map(({ action, outcome, why }) =>
          outcome === 'done' ? action : `${action} ${outcome}${why === null ? '' : `: ${why}`}`,
        );
      return `${entry.rule}: ${entry.reason}${facts(entry.because)}${acts.length === 0 ? '' : ` -> ${acts.join('; ')}`}`;
    }
    case 'changed':
      return `${entry.what}: ${entry.from} -> ${entry.to}${facts(entry.because)}`;
    case 'job':
      return `job ${entry.job}: ${entry.step} ${entry.outcome === 'step' ? '' : entry.outcome}${facts(factsInBrief(entry))}`;
    case 'guard':
      return `guard: ${entry.step}${facts(entry.because)}`;
    case 'note':
      return `${entry.text}${facts(entry.because)}`;
    default:
      return entry satisfies never;
  }
}
