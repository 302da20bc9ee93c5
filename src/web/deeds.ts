/** What the buttons of a lab ask for. */
export type Deed = MachineDeed | { readonly deed: 'play'; readonly scenario: string } | { readonly deed: 'stopPlay' };

/** Of a machine as a whole. */
export type MachineDeedName =
  | 'cut'
  | 'deafen'
  | 'mute'
  | 'heal'
  | 'powerOff'
  | 'powerOn'
  | 'saturate'
  | 'relieve'
  | 'fillDisk'
  | 'freeDisk'
  | 'slowDisk'
  | 'hastenDisk'
  | 'stallFlushes'
  | 'flushAgain'
  | 'clockAhead'
  | 'clockBack'
  | 'clockRight';

interface MachineDeed {
  readonly deed: MachineDeedName | 'kill' | 'freeze' | 'thaw' | 'start' | 'switchover';
  readonly node: string;
  readonly service?: string;
}

/** The key stands behind the #, which browsers do not send. Empty: this page is only looked at. */
export const key = location.hash.slice(1);

/** Null: it was done; text: why not. */
export async function ask(deed: Deed): Promise<string | null> {
  try {
    const answer = await fetch('ui/do', {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-lab-key': key },
      body: JSON.stringify(deed),
    });
    return answer.ok ? null : (await answer.text()).trim();
  } catch {
    return 'the lab does not answer';
  }
}
