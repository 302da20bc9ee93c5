import assert from 'node:assert/strict';
import { test } from 'node:test';
import { commitsIn } from '../../../src/codec/postgres/waldump.ts';

const said = (rows: string): string => `WAL statistics between 0/1517328 and 0/1517668:
Type                                           N      (%)          Record size      (%)
----                                           -      ---          -----------      ---
${rows}                                        --------                      --------
Total                                          8                           272 [100.00%]
`;

test('commits are counted, prepared ones too, and what was rolled back is not', () => {
  assert.equal(
    commitsIn(
      said(`Transaction/COMMIT                             7 ( 70.00)                  238 ( 87.50)
Transaction/COMMIT_PREPARED                    2 ( 20.00)                   34 ( 12.50)
Transaction/ABORT                              1 ( 10.00)                   34 ( 12.50)
`),
    ),
    9,
  );
  assert.equal(commitsIn(said('')), 0);
  assert.equal(commitsIn('pg_waldump: error: could not find a valid record after 0/1'), null);
});
