import { colourCode, drawScene } from './screen.ts';
import type { LabStatus } from './status.ts';

/** `lab status` for people: the screen once, without colours where nobody reads them. */
export function showStatus(status: unknown): string {
  if (!isStatus(status)) return 'the lab did not say\n';
  const scene = { status, leaseLeftMs: null, events: [], heading: '', hints: [], upForMs: 0 };
  const lines = drawScene(scene, 200, 100).slice(2);
  const text = `${lines.join('\n').trimEnd()}\n`;
  return process.stdout.isTTY === true
    ? text
    : text
        .split(colourCode)
        .filter((_part, index) => index % 2 === 0)
        .join('');
}

function isStatus(value: unknown): value is LabStatus {
  return typeof value === 'object' && value !== null && 'members' in value && 'machines' in value;
}
