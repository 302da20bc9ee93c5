import type { ToldStatus } from './memory.ts';
import { colourCode, drawScene } from './screen.ts';

/** `lab status` for people: the screen once, without colours where nobody reads them. */
export function showStatus(status: unknown): string {
  if (!isStatus(status)) return 'the lab did not say\n';
  const scene = { status, leaseLeftMs: null, events: [], heading: '', hints: [], upForMs: 0 };
  const { pssMb, processes } = status.memory;
  const lines = drawScene(scene, 200, 100).slice(2);
  const text = `${lines.join('\n').trimEnd()}\nmemory  ${pssMb} MB, all ${processes} processes of the lab together\n`;
  return process.stdout.isTTY === true
    ? text
    : text
        .split(colourCode)
        .filter((_part, index) => index % 2 === 0)
        .join('');
}

function isStatus(value: unknown): value is ToldStatus {
  return typeof value === 'object' && value !== null && 'members' in value && 'machines' in value && 'memory' in value;
}
