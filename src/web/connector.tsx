import { useContext } from 'preact/hooks';
import type { Beside } from '../model/live.ts';
import { Act, Acting } from './act.tsx';
import { cableHurt } from './verdict.ts';

/** Drawn from the rail on the left to the machine on the right; turned to where the rail is. */
function CableDrawing({ out, hurt }: { readonly out: boolean; readonly hurt: string | null }) {
  return (
    <svg viewBox="0 0 44 44" aria-hidden="true">
      <path class="socket" d="M44 13H38V31H44M38 18H35M38 26H35" />
      {out ? <path class="cord" d="M0 22C7 22 6 33 12 34" /> : <path class="cord" d="M0 22H20" />}
      <g class="head" transform={out ? 'translate(-9 13) rotate(20 22 22)' : undefined}>
        <rect x="20" y="15" width="14" height="14" rx="1.5" />
        <path d="M30 15V12H25V15M30 19H34M30 22H34M30 25H34" />
      </g>
      {!out && hurt !== null && <path class="way" d={wayLeft(hurt)} />}
    </svg>
  );
}

/** The only direction that is left: from a deaf machine to the rail, from the rail to a mute one. */
function wayLeft(hurt: string): string {
  if (hurt === 'deaf') return 'M17 37H3M8 32L3 37L8 42';
  return hurt === 'mute' ? 'M3 37H17M12 32L17 37L12 42' : '';
}

function PlugDrawing({ out }: { readonly out: boolean }) {
  return (
    <svg viewBox="0 0 44 44" aria-hidden="true">
      <path class="socket" d="M44 11H37V33H44M37 18H41M37 26H41" />
      {out ? <path class="cord" d="M0 22C7 22 4 34 10 35" /> : <path class="cord" d="M0 22H18" />}
      <g class="head" transform={out ? 'translate(-9 13) rotate(20 22 22)' : undefined}>
        <path d="M18 15H24Q31 15 31 22T24 29H18Z" />
        <path d="M29 18H36M29 26H36" />
      </g>
    </svg>
  );
}

interface Props {
  readonly node: string;
  readonly kind: 'cable' | 'plug';
  readonly beside: Beside;
}

/** The network cable or the plug of a machine. Where faults may be made it is the button that pulls it. */
export function Connector({ node, kind, beside }: Props) {
  const acts = useContext(Acting) !== null;
  if (kind === 'cable' && beside.cable === null) return null;
  const out = kind === 'cable' ? beside.cable === 'out' : beside.power === 'off';
  const hurt = kind === 'cable' ? cableHurt(beside) : null;
  const drawing = kind === 'cable' ? <CableDrawing out={out} hurt={hurt} /> : <PlugDrawing out={out} />;
  const shape = `connector ${kind} ${out ? 'out' : 'in'} ${hurt === null || out ? '' : 'hurt'}`;
  if (!acts)
    return (
      <p class={shape}>
        {drawing}
        <span>{`${kind} ${out ? 'out' : (hurt ?? 'in')}`}</span>
      </p>
    );
  const deed = kind === 'cable' ? (out ? 'heal' : 'cut') : out ? 'powerOn' : 'powerOff';
  const label = out ? `Plug the ${kind} of ${node} in again` : `Pull the ${kind} of ${node}`;
  return (
    <Act deed={{ deed, node }} label={label} class={shape}>
      {drawing}
      <span>{out ? 'Plug in' : `Pull ${kind}`}</span>
    </Act>
  );
}
