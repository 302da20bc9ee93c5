/** What the buttons of a lab ask for, and those of an agent, which acts on its own node and for the cluster. */
export type Deed =
  | MachineDeed
  | { readonly deed: 'play'; readonly scenario: string }
  | { readonly deed: 'stopPlay' }
  | { readonly deed: 'signIn' | 'restart' | 'reinit' | 'pause' | 'resume' };

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
  | 'useUpConnections'
  | 'giveBackConnections'
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

/** Null: it was done; text: why not. `authorization`: of who is signed in at an agent. */
export async function ask(deed: Deed, authorization: string | null): Promise<string | null> {
  try {
    const answer = await fetch('ui/do', {
      method: 'POST',
      // Else a browser asks for a password by itself, keeps it, and sends it wherever any site wants it sent.
      credentials: 'omit',
      headers: {
        'content-type': 'application/json',
        ...(authorization === null ? { 'x-lab-key': key } : { authorization }),
      },
      body: JSON.stringify(deed),
    });
    return answer.ok ? null : (await answer.text()).trim();
  } catch {
    return 'nobody answers';
  }
}
