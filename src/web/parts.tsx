import type { Beside } from '../model/live.ts';
import { hurtText, type PartPicture } from '../model/part.ts';
import { Act } from './act.tsx';
import type { MachineDeedName } from './deeds.ts';

/** Faults that stop no program and pull no plug: folded away, but what is hurt is named all the same. */
export function Parts({ node, beside: { parts, power } }: { readonly node: string; readonly beside: Beside }) {
  const hurt = parts.filter((part) => part.hurt !== null).map(hurtText);
  return (
    <details class="parts">
      <summary class={hurt.length === 0 ? '' : 'warn'}>
        {hurt.length > 0 && <span class="lamp" aria-hidden="true" />}
        {hurt.length === 0 ? 'More faults' : hurt.join(', ')}
      </summary>
      <table class="services">
        <caption class="unseen">More faults of {node}</caption>
        <tbody>
          {parts.map((part) => (
            <Part key={part.part} node={node} part={part} on={power === 'on'} />
          ))}
        </tbody>
      </table>
    </details>
  );
}

interface Offer {
  readonly deed: MachineDeedName;
  readonly text: string;
  /** Before the name of the machine. */
  readonly label: string;
}

/** How a part is called, how it is when it is whole, what may be done to it, and what mends it. */
interface Kind {
  readonly name: string;
  readonly whole: string;
  readonly faults: readonly Offer[];
  readonly remedy: Offer;
  /** A machine without power has it, too. */
  readonly lasts?: boolean;
}

const kinds: Readonly<Record<PartPicture['part'], Kind>> = {
  cable: {
    name: 'cable',
    whole: 'both ways',
    faults: [
      { deed: 'deafen', text: 'Deafen', label: 'deafen' },
      { deed: 'mute', text: 'Mute', label: 'mute' },
    ],
    remedy: { deed: 'heal', text: 'Mend', label: 'mend the cable of' },
  },
  disk: {
    name: 'disk',
    whole: 'has room',
    faults: [{ deed: 'fillDisk', text: 'Fill', label: 'fill the disk of' }],
    remedy: { deed: 'freeDisk', text: 'Free', label: 'free the disk of' },
    lasts: true,
  },
  etcdDisk: {
    name: 'etcd disk',
    whole: 'quick',
    faults: [{ deed: 'slowDisk', text: 'Slow', label: 'slow the disk of etcd on' }],
    remedy: { deed: 'hastenDisk', text: 'Hasten', label: 'hasten the disk of etcd on' },
  },
  walDisk: {
    name: 'WAL disk',
    whole: 'flushes',
    faults: [{ deed: 'stallFlushes', text: 'Hang', label: 'hang the disk of PostgreSQL on' }],
    remedy: { deed: 'flushAgain', text: 'Let go', label: 'let go the disk of PostgreSQL on' },
  },
  connections: {
    name: 'sessions',
    whole: 'some left',
    faults: [{ deed: 'useUpConnections', text: 'Use up', label: 'use up the connections of' }],
    remedy: { deed: 'giveBackConnections', text: 'Give back', label: 'give back the connections of' },
  },
  clock: {
    name: 'clock',
    whole: 'right',
    faults: [
      { deed: 'clockBack', text: '−1 h', label: 'an hour back: the clock of' },
      { deed: 'clockAhead', text: '+1 h', label: 'an hour ahead: the clock of' },
    ],
    remedy: { deed: 'clockRight', text: 'Set right', label: 'set right the clock of' },
    lasts: true,
  },
};

function Part({
  node,
  part: { part, hurt, locked },
  on,
}: {
  readonly node: string;
  readonly part: PartPicture;
  readonly on: boolean;
}) {
  const { name, whole, faults, remedy, lasts = false } = kinds[part];
  const there = on || (lasts && hurt !== null);
  const offers = hurt === null ? faults : [...faults.slice(1).map(() => null), remedy];
  if (there && locked !== null && hurt === null)
    return (
      <tr>
        <th scope="row">{name}</th>
        <td colSpan={2}>
          <span class="lamp" aria-hidden="true" />
          needs {locked}
        </td>
      </tr>
    );
  return (
    <tr class={there ? (hurt === null ? 'whole' : 'hurt') : 'dark'}>
      <th scope="row">{name}</th>
      <td>
        <span class="lamp" aria-hidden="true" />
        {there ? (hurt ?? whole) : 'no power'}
      </td>
      <td class="acts">
        {there &&
          offers.map(
            (offer, place) =>
              // The remedy takes the place of the last fault, and the focus with it.
              offer !== null && (
                <Act key={place} deed={{ deed: offer.deed, node }} label={`${offer.label} ${node}`}>
                  {offer.text}
                </Act>
              ),
          )}
      </td>
    </tr>
  );
}
