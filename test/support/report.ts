import type { RepairReport } from '../../src/model/report.ts';

/** A good report; a test takes it and changes one thing. */
export const sampleReport: RepairReport = {
  version: 1,
  id: '20261126-040310-123',
  scope: 'demo',
  node: 'node1',
  systemId: '7123456789',
  state: 'done',
  began: '2026-11-26T04:03:10.123Z',
  deed: 'rewind',
  outcome: 'rewound',
  why: { rule: 'rejoin.stopped', because: [['leader', 'node2']] },
  leader: 'node2',
  fork: { timeline: 1, lsn: '0/3000060' },
  end: { timeline: 1, lsn: '0/3000460' },
  bytes: 1_024,
  transactions: { count: 2, first: '2026-11-26 04:02:00.1 UTC', last: '2026-11-26 04:02:01.2 UTC' },
  tables: [
    { file: '1663/5/16384', name: 'public.orders', database: 'shop', inserted: 5, updated: 2, deleted: 1 },
    { file: '1663/5/16390', name: null, database: 'shop', inserted: 3, updated: 0, deleted: 0 },
  ],
  tablesLeftOut: 0,
  cutShort: null,
  namesUnknown: 'node2 knows no such file: the table was made, or written anew, beyond the fork',
  wal: {
    kept: 'whole',
    folder: "/state/it's/reports/20261126-040310-123.wal",
    files: ['000000010000000000000003'],
    bytes: 16_777_216,
    why: null,
    until: '2026-12-03T04:03:10.123Z',
  },
};
