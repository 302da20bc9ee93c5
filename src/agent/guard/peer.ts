import { type Heard, readHeard } from '../../codec/guard.ts';
import type { GuardAsk, GuardReply } from '../../model/guard.ts';
import { instantMs } from '../../model/units.ts';
import type { Connection, World } from '../../model/world.ts';

type AskBody = GuardAsk extends infer A ? (A extends GuardAsk ? Omit<A, 'id'> : never) : never;

/** One conversation with a guardian. */
export interface GuardPeer {
  /** Null: no answer in time, or the guardian is gone. */
  ask(body: AskBody, limitMs: number): Promise<GuardReply | null>;
  close(): void;
}

export function makeGuardPeer(
  { clock }: Pick<World, 'clock'>,
  connection: Connection,
  heard: { readonly note: (note: Extract<Heard, { kind: 'note' }>) => void; readonly closed: () => void },
): GuardPeer {
  const waiting = new Map<number, (reply: GuardReply | null) => void>();
  let lastId = 0;

  connection.onLine((line) => {
    const said = readHeard(line);
    if (said?.kind === 'note') heard.note(said);
    if (said?.kind === 'reply') waiting.get(said.reply.id)?.(said.reply);
  });
  connection.onClosed(() => {
    for (const settle of [...waiting.values()]) settle(null);
    heard.closed();
  });

  return {
    ask(body, limitMs) {
      lastId += 1;
      const id = lastId;
      return new Promise((resolve) => {
        const settle = (reply: GuardReply | null): void => {
          cancel();
          waiting.delete(id);
          resolve(reply);
        };
        const cancel = clock.at(instantMs(clock.now() + limitMs), () => settle(null));
        waiting.set(id, settle);
        connection.send(JSON.stringify({ ...body, id }));
      });
    },
    close: () => connection.close(),
  };
}
