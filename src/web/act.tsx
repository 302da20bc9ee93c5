import type { ComponentChildren } from 'preact';
import { createContext } from 'preact';
import { useContext, useLayoutEffect, useRef, useState } from 'preact/hooks';
import type { Deed } from './deeds.ts';

/** How a button gets its work done; null where there is nothing to be done here. */
export const Acting = createContext<((deed: Deed) => Promise<void>) | null>(null);

interface Props {
  readonly deed: Deed;
  /** For who does not see where it stands. */
  readonly label: string;
  readonly class?: string;
  /** What is asked before, where it is no lab; null: nothing. */
  readonly sure?: string | null;
  readonly children: ComponentChildren;
}

/** Keeps its place and the focus while it works, whatever it turns into afterwards. */
export function Act({ deed, label, class: more = '', sure = null, children }: Props) {
  const act = useContext(Acting);
  const [busy, setBusy] = useState(false);
  const button = useRef<HTMLButtonElement>(null);
  // A button that goes while it has the focus leaves it to where it stood, not to nobody.
  useLayoutEffect(
    () => () => {
      const { current } = button;
      if (current !== null && document.activeElement === current)
        current.closest<HTMLElement>('.machine, .scenarios')?.focus();
    },
    [],
  );
  if (act === null) return null;
  const click = async (): Promise<void> => {
    if (busy || (sure !== null && !confirm(sure))) return;
    setBusy(true);
    await act(deed);
    setBusy(false);
  };
  return (
    <button
      ref={button}
      type="button"
      class={`act ${more}`}
      aria-label={label}
      aria-disabled={busy}
      aria-busy={busy}
      onClick={click}
    >
      {children}
    </button>
  );
}
