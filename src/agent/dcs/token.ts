import type { EtcdSettings } from '../../model/settings.ts';
import type { EtcdTransport } from '../../model/world.ts';
import { kindOfError } from './errors.ts';

export type TokenOutcome =
  | { readonly kind: 'token'; readonly token: string | null }
  | { readonly kind: 'refused'; readonly why: string }
  | { readonly kind: 'failed'; readonly why: string };

/** The token that etcd gives for a password. Without a user name there is none. */
export function makeToken(etcd: EtcdTransport, settings: () => EtcdSettings) {
  let token: string | null = null;
  let authOff = false;

  return {
    current: (): string | null => token,
    async get(endpoint: string, limitMs: number): Promise<TokenOutcome> {
      const { username, password } = settings();
      if (username === null || authOff || token !== null) return { kind: 'token', token };
      const ask = { name: username, password: password ?? '' };
      const reply = await etcd.call(endpoint, 'authenticate', ask, limitMs, null);
      if (reply.kind === 'answered') {
        token = reply.answer.token;
        return { kind: 'token', token };
      }
      if (reply.kind !== 'error') return { kind: 'failed', why: reply.why };
      authOff = /authentication is not enabled/.test(reply.message);
      if (authOff) return { kind: 'token', token: null };
      const kind = kindOfError(reply.code, reply.message) === 'refused' ? 'refused' : 'failed';
      return { kind, why: `cannot authenticate as ${username}: ${reply.message}` };
    },
    /** This token was refused: the next request authenticates anew. */
    drop(refused: string | null): void {
      if (token === refused) token = null;
      authOff = false;
    },
  };
}
