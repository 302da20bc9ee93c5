import { standIn } from '../../src/agent/postgres/jobs/taken.ts';
import {
  advanceSlot,
  createSlot,
  dropSlot,
  identifySystem,
  timelineHistory,
} from '../../src/agent/postgres/statements.ts';
import type { RunningStandby } from '../../src/model/postgres.ts';
import { lsnText, timeline } from '../../src/model/units.ts';
import { logicalSlots } from './logicalSlotsScript.ts';
import { classOf, relation, type Server, type Upstream } from './postgresHands.ts';
import { told, view } from './postgresView.ts';

/** What the script runs on: the model or the original, with nothing in it. */
export interface Place {
  readonly servers: readonly Server[];
  /** Called with a primary: what its clients need, and changed pages that make the next checkpoint of a standby a long one. */
  prepare(server: Server): Promise<void>;
}

export type Answers = ReadonlyMap<string, unknown>;

/**
 * Where the model is known to be simpler, and what is left out of the comparison for it. What a standby that has diverged shows
 * flickers in the original, several times a second at the intervals of this script.
 */
const notCompared = {
  /**
   * The original streams from the segment's begin up to the fork, and then waits: `waiting`, for moments `streaming` or
   * `restarting`; its primary shows a walsender in `startup` whose flush position is behind the fork, on the other history.
   * In the model it is refused at once, and shows nothing. Hides from the agent: a receiver, and a sender, that get nowhere.
   */
  'the stream of a diverged standby': ['receiver', 'senders'],
  /** The original keeps the connection, and begins another stream on it. The model's comes back 100 ms later. */
  'the streams at a promotion': ['receiver', 'senders'],
} as const;

/*
 * Not in the script, since the agent looks at none of it, or not in the model at all: backup_manifest, backup_label.old,
 * postmaster.opts; pg_promote(), where the agent uses the promote file; the checkpoint that a base backup makes its source do;
 * WAL that is gone (wal_status, a slot that lost it); pages written between checkpoints, which move the minimum recovery
 * point of a standby at any time (the original runs without a background writer here, in the model it moves with restart points
 * alone); a walreceiver that calls itself streaming in the moment before it is refused; what the original makes of a stream that
 * continues another history in the middle of a segment (`record with incorrect prev-link`: nothing, unless the records agree).
 */

/** One script for model and original: each step's answer by its name. */
export async function postgresScript(
  { servers, prepare }: Place,
  answers = new Map<string, unknown>(),
): Promise<Answers> {
  const [a, b, c] = servers;
  if (a === undefined || b === undefined || c === undefined) throw new Error('three servers');
  const say = (step: string, answer: unknown): void => {
    if (answers.has(step)) throw new Error(`two steps are called ${step}`);
    answers.set(step, answer);
  };
  const seen = async (step: string, server: Server, but?: keyof typeof notCompared): Promise<void> => {
    const all = await server.until('that nobody is catching up', async () => {
      const now = await view(server);
      const settled = but !== undefined || (now.senders ?? []).every((sender) => sender.endsWith(' streaming'));
      return settled ? now : null;
    });
    const left = new Set<string>(but === undefined ? [] : notCompared[but]);
    say(step, Object.fromEntries(Object.entries(all).filter(([name]) => !left.has(name))));
  };
  const nobody = { host: a.host, port: 1 };

  const backup = (from: Server, to: Server) =>
    to.run('pg_basebackup', ['--pgdata', to.dataDir, '--checkpoint=fast', '--no-sync', '--dbname', sourceOf(from)]);
  const sourceOf = (of: { readonly host: string; readonly port: number }): string =>
    `host=${of.host} port=${of.port} user=postgres dbname=postgres connect_timeout=5`;
  const rewind = async (target: Server, from: { readonly host: string; readonly port: number }): Promise<string> =>
    told(
      await target.run('pg_rewind', [
        '--target-pgdata',
        target.dataDir,
        '--source-server',
        sourceOf(from),
        '--no-sync',
        '--progress',
      ]),
    );
  const standby = async (server: Server, upstream: Upstream): Promise<string> => {
    await server.configure(upstream);
    await server.put('standby.signal', '');
    return server.start();
  };
  const turnTo = async (server: Server, upstream: Upstream): Promise<void> => {
    await server.configure(upstream);
    await server.signal('HUP');
  };
  /** From here on it is told nothing by the server that it followed. */
  const cutOff = async (server: Server, from: Server): Promise<void> => {
    await turnTo(server, { of: nobody });
    await from.until(`the end of ${server.name}'s walsender`, async () => {
      const now = await from.look();
      return now?.senders.every(({ applicationName }) => applicationName !== server.name) ? true : null;
    });
    await unfed(server);
  };
  const promote = async (server: Server): Promise<void> => {
    await server.put('promote', '');
    await server.signal('USR1');
    await server.primary();
  };
  /** Written, and replayed there. */
  const replicate = async (value: string, from: Server, ...to: readonly Server[]): Promise<string> => {
    const outcome = await from.write(value);
    const { flushLsn } = await from.primary();
    for (const one of to) await one.reached(flushLsn);
    return outcome;
  };
  /** Compared at a moment in which the primary wrote nothing. */
  const positions = (primary: Server, of: Server): Promise<string> =>
    of.until('a quiet moment', async () => {
      const { flushLsn } = await primary.primary();
      const at = await of.reached(flushLsn);
      if ((await primary.primary()).flushLsn !== flushLsn) return null;
      return `received ${relation(at.receivedLsn, flushLsn)}, replayed ${relation(at.replayedLsn, flushLsn)}`;
    });
  const unfed = (server: Server): Promise<RunningStandby> =>
    server.until('the end of its walreceiver', async () => {
      const now = await server.look();
      return now?.role === 'standby' && now.receiver === null ? now : null;
    });
  const hears = (server: Server, words: RegExp): Promise<true> =>
    server.until(`a word like ${words}`, async () => ((await server.heard(words)) ? true : null));

  // ---- one server
  say('initdb', told(await a.run('initdb', ['-D', a.dataDir, '-k', '-U', 'postgres', '-A', 'trust', '--no-sync'])));
  await seen('after initdb', a);
  say('initdb over data', told(await a.run('initdb', ['-D', a.dataDir, '-k'])));
  say('pg_controldata of nothing', told(await b.run('pg_controldata', [b.dataDir])));
  say('a start without data', await b.start());
  await a.configure(null);
  say('start', await a.start());
  await seen('a primary', a);
  await prepare(a);
  say('a second start on the same directory', [await a.start(), (await view(a)).runs]);
  say('single-user on a running server', [await a.single(), (await view(a)).runs]);
  say('write and read', [await a.write('1'), await a.read()]);
  say('checkpoint', await a.checkpoint());
  await a.put('promote', '');
  await a.signal('USR1');
  await a.world.clock.sleep(300);
  await seen('a primary that is told to promote', a);

  // ---- its ends
  await a.stop('INT');
  await seen('a primary after a clean stop', a);
  say('its checkpoint is the last record', (await a.shutdownEnd()) !== null);
  say('start after a clean stop', await a.start());
  await seen('a primary again', a);
  await a.write('2');
  await a.stop('QUIT');
  await seen('a primary after an immediate stop', a);
  say('start after an immediate stop', [await a.start(), await a.read()]);
  await a.write('3');
  await a.stop('KILL');
  await seen('a primary after kill -9', a);
  say('start after kill -9', [await a.start(), await a.read()]);
  await seen('a primary after crash recovery', a);
  await a.stop('KILL');
  say('single-user after kill -9', await a.single());
  await seen('a primary that recovered alone', a);
  say('single-user leaves a shutdown checkpoint as the last record', (await a.shutdownEnd()) !== null);
  await a.put('postmaster.pid', `${await a.bystander()}\n${a.dataDir}\n1700000000\n`);
  say('start while the pid of postmaster.pid lives', await a.start());
  await a.put('postmaster.pid', `999999\n${a.dataDir}\n1700000000\n`);
  say('start while the pid of postmaster.pid is nobody', await a.start());
  const client = await a.session();
  await a.signal('TERM');
  await a.world.clock.sleep(300);
  say('a smart stop waits for its clients', [(await a.postmaster())?.status, classOf(await a.ask(identifySystem))]);
  await a.stop('INT');
  const after = await client.query(identifySystem, 1_000);
  say('a fast stop does not', [classOf(after), (await view(a)).control]);
  say('start after all that', await a.start());
  say('read after all that', await a.read());

  // ---- slots
  const slot = async (step: string, statement: ReturnType<typeof dropSlot>): Promise<void> =>
    say(step, [
      classOf(await a.ask(statement)),
      (await a.look())?.slots.map(({ name, active }) => `${name} ${active}`),
    ]);
  await slot('create a slot', createSlot('b'));
  await slot('create it again', createSlot('b'));
  await slot('create another', createSlot('spare'));
  await a.write('4');
  const { flushLsn } = await a.primary();
  await slot('advance it', advanceSlot('spare', lsnText(flushLsn)));
  const held = (await a.look())?.slots.find(({ name }) => name === 'spare');
  say('it was advanced to there', relation(held?.restartLsn, flushLsn));
  await slot('drop it', dropSlot('spare'));
  await slot('drop one that is not there', dropSlot('spare'));

  // ---- base backup
  say('a base backup from nobody', [
    told(await b.run('pg_basebackup', ['--pgdata', b.dataDir, '--dbname', sourceOf(nobody)])),
    (await b.world.files.list(b.dataDir)).kind,
  ]);
  const abort = new AbortController();
  const slow = [
    '--pgdata',
    b.dataDir,
    '--checkpoint=fast',
    '--no-sync',
    '--progress',
    '--max-rate=2M',
    '--dbname',
    sourceOf(a),
  ];
  const interrupted = await b.run('pg_basebackup', slow, abort.signal, (line) => /%/.test(line) && abort.abort());
  say('a base backup that is interrupted', [told(interrupted), (await view(b)).control]);
  say('a start of its leavings', await b.start());
  say('a base backup over its leavings', told(await backup(a, b)));
  await b.drop('');
  let stopping = false;
  const broken = b.run('pg_basebackup', slow, undefined, (line) => {
    if (stopping || !/%/.test(line)) return;
    stopping = true;
    void a.signal('INT');
  });
  say('a base backup whose source is stopped', [told(await broken), (await b.world.files.list(b.dataDir)).kind]);
  await a.gone();
  await a.start();
  await b.drop('');
  say('a base backup', told(await backup(a, b)));
  await seen('its directory', b);
  say('a base backup over data', told(await backup(a, b)));

  // ---- streaming
  say('start of the base backup as standby', await standby(b, { of: a, slot: 'b' }));
  await b.streaming(1);
  await seen('a standby', b);
  await seen('its primary', a);
  say('a write', await replicate('5', a, b));
  say('the standby after it', [await positions(a, b), await b.read()]);
  say('a write on a standby', await b.write('no'));
  await slot('drop a slot in use', dropSlot('b'));
  await logicalSlots(
    { a, b },
    {
      say: (step, answer) => say(`logical slots: ${step}`, answer),
      async restart(between) {
        await b.stop('INT');
        await between();
        return standby(b, { of: a, slot: 'b' });
      },
    },
  );
  say(
    'IDENTIFY_SYSTEM',
    await Promise.all(
      [a, b].map(async (one) => {
        const result = await one.ask(identifySystem, { replication: true });
        return result.kind === 'rows' ? result.rows[0]?.timeline : classOf(result);
      }),
    ),
  );
  say('a base backup from a standby', told(await backup(b, c)));
  await seen('its directory, from a standby', c);
  await c.listen();
  say('start with a slot in use', await standby(c, { of: a, slot: 'b' }));
  say('it is told so', await hears(c, /slot "b" is active/));
  await replicate('only to b', a, b);
  await c.world.clock.sleep(300);
  say('and does not stream', await c.read());
  await c.listen();
  await turnTo(c, { of: a, slot: 'c' });
  say('a slot that is not there', await hears(c, /slot "c" does not exist/));
  await turnTo(c, { of: a });
  await c.streaming(1);
  await seen('a standby without a slot', c);
  await turnTo(c, { of: b });
  await c.streaming(1);
  say('a write through a cascade', await replicate('6', a, b, c));
  await seen('a standby that has one of its own', b);

  // ---- restart points, and the ends of a standby
  await a.checkpoint();
  await replicate('7', a, b);
  say('a checkpoint of a standby', await b.checkpoint());
  say(
    'is a restart point at the primary’s checkpoint',
    relation((await b.control())?.checkpoint, (await a.control())?.checkpoint),
  );
  await b.stop('INT');
  await seen('a standby after a clean stop', b);
  say(
    'its control file names all that it had',
    relation((await b.control())?.minRecoveryEnd, (await a.primary()).flushLsn),
  );
  await a.write('8');
  say('start of a standby', await b.start());
  await b.streaming(1);
  say('it catches up', [await positions(a, b), await b.read()]);
  await b.stop('KILL');
  await seen('a standby after kill -9', b);
  say('start of a standby after kill -9', await b.start());
  await b.streaming(1);
  await b.stop('QUIT');
  await seen('a standby after an immediate stop', b);
  await b.start();
  await b.streaming(1);
  await replicate('9', a, b);

  // ---- the primary goes
  await a.stop('KILL');
  say('start of a primary with standbys after kill -9', await a.start());
  await b.streaming(1);
  say('they stream again', [await replicate('10', a, b, c), await positions(a, b)]);
  await a.stop('INT');
  const end = await a.shutdownEnd();
  say('a standby has all up to the end of the shutdown checkpoint', relation((await unfed(b)).receivedLsn, end));
  await seen('a standby whose primary is gone', b);
  await a.start();
  await b.streaming(1);
  await prepare(a);
  await replicate('11', a, b, c);

  // ---- a fork
  await cutOff(b, a);
  await seen('a standby that reaches nobody', b);
  say('a write that no standby gets', await a.write('only on a'));
  const forkedAt = (await unfed(b)).receivedLsn;
  await promote(b);
  await seen('a server just promoted', b, 'the streams at a promotion');
  say(
    'its history',
    (await b.history(2)).map((line) => [line.timeline, relation(line.end, forkedAt)]),
  );
  const toldHistory = await b.ask(timelineHistory(2), { replication: true });
  say('TIMELINE_HISTORY', toldHistory.kind === 'rows' ? Object.keys(toldHistory.rows[0] ?? {}) : classOf(toldHistory));
  await a.stop('INT');
  say('pg_rewind from a server that has not made its checkpoint', await rewind(a, b));
  await seen('the target of that', a);
  say('its checkpoint', await b.checkpoint());
  await seen('a promoted server after its checkpoint', b);
  await b.write('12');
  await c.streaming(2);
  say('a standby of the promoted one follows', [await positions(b, c), await c.read()]);
  await seen('on the new timeline', c);

  // ---- the old primary
  await a.listen();
  say('start of the old primary as standby', await standby(a, { of: b }));
  say('it is told of the fork', await hears(a, /before current recovery point/));
  await seen('a diverged standby', a, 'the stream of a diverged standby');
  await a.stop('INT');
  await seen('a diverged standby after a clean stop', a);
  await a.listen();
  say('its next start', await a.start());
  say(
    'says that it is on another history',
    await a.heard(/is not a child of this server's history|not contain minimum recovery point/),
  );
  if ((await a.postmaster()) !== null) await a.stop('INT');
  say('pg_rewind from nobody', await rewind(a, nobody));
  say('pg_rewind', await rewind(a, b));
  await seen('a rewound directory', a);
  say(
    'it must recover to where its source was',
    relation((await a.control())?.minRecoveryEnd, (await b.primary()).flushLsn),
  );
  say('start of a rewound server', await standby(a, { of: b }));
  await a.streaming(2);
  say('a rewound server has the one history', [await positions(b, a), await a.read()]);
  await seen('a rewound standby', a);

  // ---- pg_rewind where nothing or nobody is to be rewound
  say('pg_rewind of a running server', [await rewind(a, b), (await view(a)).runs]);
  await c.stop('INT');
  say('pg_rewind of a server on the same timeline', await rewind(c, b));
  await seen('a server that needed no rewind', c);
  await c.start();
  await c.streaming(2);
  await c.stop('KILL');
  say('pg_rewind of a standby after kill -9', await rewind(c, b));
  await seen('a standby that was not rewound', c);
  await c.start();
  await c.streaming(2);

  // ---- a second fork: the primary crashes, a running standby has gone past it
  await replicate('13', b, a, c);
  await cutOff(a, b);
  await replicate('only on b and c', b, c);
  await promote(a);
  await a.checkpoint();
  say('a write on timeline 3', [await a.write('14'), (await view(a)).timeline]);
  say(
    'its whole history',
    (await a.history(3)).map((line) => line.timeline),
  );
  await c.listen();
  await turnTo(c, { of: a });
  say('a running standby that is past the fork is told', await hears(c, /before current recovery point/));
  await seen('a standby past the fork', c, 'the stream of a diverged standby');
  // Its minimum recovery point is before the fork still: it starts, and replays what is behind the fork though it knows better.
  await c.stop('KILL');
  say('its next start after kill -9', await c.start());
  await c.world.clock.sleep(1_000);
  say('is on its own history still', [(await c.look())?.timeline, await c.read()]);
  await c.stop('INT');
  await c.listen();
  say('its next start, past the fork', await c.start());
  say(
    'says that it is past the fork',
    await c.heard(/is not a child of this server's history|not contain minimum recovery point/),
  );
  if ((await c.postmaster()) !== null) await c.stop('INT');
  await b.stop('KILL');
  say('pg_rewind of a primary after kill -9', await rewind(b, a));
  await seen('a crashed primary that was rewound', b);
  say('start of it', await standby(b, { of: a }));
  await b.streaming(3);
  say('pg_rewind of a standby that went past the fork', await rewind(c, a));
  await standby(c, { of: b });
  await c.streaming(3);
  say('all on one history', [await replicate('15', a, b, c), await b.read(), await c.read()]);
  await seen('the last primary', a);

  // ---- numbers that are taken, and a former primary that stopped cleanly
  await a.stop('INT');
  await b.put('pg_wal/00000004.history', standIn(timeline(3)));
  await promote(b);
  say('a promotion keeps off a taken timeline', [(await b.look())?.timeline, await b.histories()]);
  say('its cascading standby follows', [(await c.streaming(5)).timeline, await replicate('16', b, c), await c.read()]);
  await seen('the cascading standby', c);
  await b.drop('pg_wal/00000004.history');
  await a.listen();
  say('start of a cleanly stopped primary as standby', await standby(a, { of: b }));
  say('it asks for each history file on the way', await hears(a, /could not receive timeline history file/));
  say('and stays on its own timeline without it', [(await a.look())?.timeline, await a.histories()]);
  // As the agent then does: the leader's own file, and stand-ins for what is missing between.
  const itsOwn = await b.world.files.read(`${b.dataDir}/pg_wal/00000005.history`);
  if (itsOwn.kind === 'text') await a.put('pg_wal/00000005.history', itsOwn.text);
  await a.put('pg_wal/00000004.history', standIn(timeline(3)));
  await a.streaming(5);
  say('and follows with them, and needs no rewind', [await replicate('17', b, a), await a.read()]);
  await seen('a former primary', a);
  await c.stop('INT');
  await c.drop('');
  say('a base backup from a later timeline', told(await backup(b, c)));
  await seen('its directory, on a later timeline', c);
  return answers;
}
