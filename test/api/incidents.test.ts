import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Incident } from '../../src/model/incident.ts';
import { leading } from '../decide/values.ts';
import { fakeAgent } from './handles.ts';
import { serve } from './serve.ts';

const incident = (id: string): Incident => ({
  version: 1,
  id,
  scope: 'demo',
  node: 'n1',
  kind: 'restart',
  state: 'closed',
  began: '2026-11-25T20:13:51.123Z',
  ended: null,
  tookMs: null,
  trigger: 'x',
  before: null,
  decisions: [],
  leader: { before: 'n1', after: 'n1' },
  timeline: { before: 1, after: 1 },
  phases: [],
  atRisk: null,
  jobs: [],
  evidence: [],
});

test('GET /incidents lists without evidence, the newest last; by id it is whole, and nothing else is found', async (t) => {
  const at = await serve(t, fakeAgent(leading, { incidents: ['1', '2', '3'].map(incident) }));
  const get = async (path: string): Promise<[number, unknown]> => {
    const reply = await fetch(`${at}${path}`);
    return [reply.status, await reply.json()];
  };
  const ids = async (query: string): Promise<unknown> =>
    ((await get(`/incidents${query}`))[1] as Incident[]).map(({ id, evidence }) => [id, evidence]);
  assert.deepEqual(await ids(''), [
    ['1', undefined],
    ['2', undefined],
    ['3', undefined],
  ]);
  assert.deepEqual(await ids('?limit=1'), [['3', undefined]]);
  assert.deepEqual(await ids('?limit=0'), []);
  assert.deepEqual(await get('/incidents/2'), [200, incident('2')]);
  assert.deepEqual(await get('/incidents/..%2f..%2fetc%2fpasswd'), [
    404,
    { error: 'there is no incident ..%2f..%2fetc%2fpasswd' },
  ]);
});
