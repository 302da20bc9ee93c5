import { advanceSlot, createLogicalSlot, dropSlot, holdsWal, slotFiles } from '../../src/agent/postgres/statements.ts';
import { readSlotState } from '../../src/codec/postgres/slotState.ts';
import { lsn, lsnText } from '../../src/model/units.ts';
import { classOf, relation, type Server } from './postgresHands.ts';

/** The part of the script about logical slots: `b` streams from `a`, and takes a slot over as the agent does it. */
export async function logicalSlots(
  { a, b }: { readonly a: Server; readonly b: Server },
  hands: {
    readonly say: (step: string, answer: unknown) => void;
    readonly restart: (between: () => Promise<void>) => Promise<string>;
  },
): Promise<void> {
  const { say, restart } = hands;
  const slotOn = async (server: Server, name = 'cdc') => (await server.look())?.slots.find((one) => one.name === name);
  const shown = async (server: Server) => {
    const slot = await slotOn(server);
    return slot === undefined
      ? 'none'
      : `${slot.kind} of ${slot.database} by ${slot.plugin}${slot.active ? ' active' : ''}${slot.restartLsn === null ? '' : ' reserved'}${slot.catalogXmin === null ? '' : ' holds rows'}`;
  };
  say('create a logical slot', [
    classOf(await a.ask(createLogicalSlot('cdc', 'test_decoding', false))),
    await shown(a),
  ]);
  say('create it again', [classOf(await a.ask(createLogicalSlot('cdc', 'test_decoding', false))), await shown(a)]);
  say('create one on a standby', classOf(await b.ask(createLogicalSlot('cdc', 'test_decoding', false))));
  say('its primary does not hear of copies that are not there', (await slotOn(a, 'b'))?.catalogXmin ?? null);
  const ofStandby = await b.ask(slotFiles(['cdc']));
  say('the files of slots of a standby', ofStandby.kind === 'rows' ? ofStandby.rows.length : classOf(ofStandby));
  const found = await a.ask(slotFiles(['cdc', 'b', 'nosuch']));
  const rows = found.kind === 'rows' ? found.rows : [];
  const [row] = rows;
  say(
    'the files of slots of a primary',
    rows.map(({ slot_name, database, plugin, wal_status }) => [slot_name, database, plugin, wal_status]),
  );
  const bytes = Uint8Array.from(atob((row?.state ?? '').replace(/\s/g, '')), (letter) => letter.charCodeAt(0));
  const state = readSlotState(bytes, 'cdc');
  const original = await slotOn(a);
  say('what the file says', relation(state?.restartLsn, original?.restartLsn ?? lsn('0/0')));
  const held = async (position: string) => {
    const asked = await b.ask(holdsWal(position));
    return asked.kind === 'rows' ? (asked.rows[0]?.there ?? null) : classOf(asked);
  };
  say('the standby has its WAL', await held(lsnText(state?.restartLsn ?? lsn('0/0'))));
  const { files } = b.world;
  const folder = `${b.dataDir}/pg_replslot`;
  say(
    'start with a slot laid down, and half of one',
    await restart(async () => {
      for (const name of ['cdc', 'half.tmp']) {
        await files.makeDirectory(`${folder}/${name}`, 0o700);
        await files.write(`${folder}/${name}/state`, bytes, 0o600);
      }
    }),
  );
  await b.streaming(1);
  say('the standby has the slot', [await shown(b), (await files.stat(`${folder}/half.tmp`)).kind]);
  const heard = await a.until('feedback', async () =>
    (await slotOn(a, 'b'))?.catalogXmin == null ? null : 'holds rows',
  );
  say('its primary hears of it', heard);
  await a.write('decoded');
  const { flushLsn } = await a.primary();
  await b.reached(flushLsn);
  say('advance it on the standby', classOf(await b.ask(advanceSlot('cdc', lsnText(flushLsn)))));
  say('it was advanced there', relation((await slotOn(b))?.confirmedFlushLsn ?? undefined, flushLsn));
  say('drop it on the standby', [classOf(await b.ask(dropSlot('cdc'))), await shown(b)]);
  say('drop it on the primary', [classOf(await a.ask(dropSlot('cdc'))), await shown(a)]);
}
