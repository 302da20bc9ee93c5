import assert from 'node:assert/strict';
import { test } from 'node:test';
import { leading } from '../decide/values.ts';
import { sampleReport } from '../support/report.ts';
import { fakeAgent } from './handles.ts';
import { serve } from './serve.ts';

test('GET /reports lists without tables, the newest last; by id one is whole, and nothing else is found', async (t) => {
  const reports = ['1', '2', '3'].map((id) => ({ ...sampleReport, id }));
  const at = await serve(t, fakeAgent(leading, { reports }));
  const get = async (path: string): Promise<[number, unknown]> => {
    const reply = await fetch(`${at}${path}`);
    return [reply.status, await reply.json()];
  };
  const ids = async (query: string): Promise<unknown> =>
    ((await get(`/reports${query}`))[1] as Partial<typeof sampleReport>[]).map(({ id, tables }) => [id, tables]);
  assert.deepEqual(await ids(''), [
    ['1', undefined],
    ['2', undefined],
    ['3', undefined],
  ]);
  assert.deepEqual(await ids('?limit=1'), [['3', undefined]]);
  assert.deepEqual(await ids('?limit=0'), []);
  assert.deepEqual(await get('/reports/2'), [200, { ...sampleReport, id: '2' }]);
  assert.deepEqual(await get('/reports/..%2f..%2fetc%2fpasswd'), [
    404,
    { error: 'there is no report ..%2f..%2fetc%2fpasswd' },
  ]);
});
