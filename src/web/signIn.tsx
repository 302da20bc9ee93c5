import { useState } from 'preact/hooks';
import { Act } from './act.tsx';
import { ask } from './deeds.ts';

export interface SignInProps {
  readonly user: string | null;
  readonly paused: boolean;
  /** `authorization` null: signed out. Kept by this page alone, until it is closed: the browser never sends it by itself. */
  readonly signed: (user: string | null, authorization: string | null) => void;
}

/** On an agent's page: who is known to its REST API may act, and pause the cluster. */
export function SignIn({ user, paused, signed }: SignInProps) {
  const [problem, setProblem] = useState<string | null>(null);
  const submit = async (event: SubmitEvent): Promise<void> => {
    event.preventDefault();
    if (!(event.target instanceof HTMLFormElement)) return;
    const form = new FormData(event.target);
    const name = String(form.get('user'));
    const bytes = new TextEncoder().encode(`${name}:${form.get('password')}`);
    const authorization = `Basic ${btoa(String.fromCharCode(...bytes))}`;
    const refused = await ask({ deed: 'signIn' }, authorization);
    setProblem(refused);
    if (refused === null) signed(name, authorization);
  };
  if (user !== null)
    return (
      <p class="signin">
        <Act
          deed={{ deed: paused ? 'resume' : 'pause' }}
          label={paused ? 'resume the cluster' : 'pause the cluster'}
          sure={paused ? null : 'Pause? Nothing is done by itself then, also when the leader fails.'}
        >
          {paused ? 'Resume' : 'Pause'}
        </Act>{' '}
        {user}{' '}
        <button type="button" class="ask" onClick={() => signed(null, null)}>
          Sign out
        </button>
      </p>
    );
  return (
    <details class="signin">
      <summary>Sign in</summary>
      <form onSubmit={submit}>
        <label>
          User <input name="user" autocomplete="username" required />
        </label>
        <label>
          Password <input name="password" type="password" autocomplete="current-password" required />
        </label>
        <button type="submit" class="ask">
          Sign in
        </button>
        {problem !== null && <span role="alert">{problem}</span>}
      </form>
    </details>
  );
}
