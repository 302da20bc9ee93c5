import { writeHistory } from '../../codec/dcs/history.ts';
import { isObject, parseJson } from '../../codec/dcs/json.ts';
import { writeClusterDocument } from '../../codec/rest/cluster.ts';
import { statusDocument } from '../../codec/rest/status.ts';
import type { AgentHandles } from '../../model/agent.ts';
import type { Cluster } from '../../model/cluster.ts';
import type { Entry } from '../../model/decision.ts';
import { type ApiRequest, json, page, type Reply } from '../reply.ts';
import { clusterOf, type View } from '../view.ts';

export const patroni = (view: View): Reply => json(200, statusDocument(view.snapshot, view));

/** One read of etcd. Patroni hangs up when that fails; a 503 tells the caller sooner, and means the same to it. */
async function readFresh(handles: Pick<AgentHandles, 'dcs'>, answer: (cluster: Cluster) => Reply): Promise<Reply> {
  const view = await handles.dcs.read();
  return view.kind === 'reachable' ? answer(view.cluster) : page(503, `etcd does not answer: ${view.why}`);
}

export const cluster = (handles: Pick<AgentHandles, 'dcs'>, scope: string): Promise<Reply> =>
  readFresh(handles, (read) => json(200, writeClusterDocument(read, scope)));

export const history = (handles: Pick<AgentHandles, 'dcs'>): Promise<Reply> =>
  readFresh(handles, (read) => json(200, parseJson(writeHistory(read.history?.lines ?? []))));

export const showConfig = (handles: Pick<AgentHandles, 'dcs'>): Promise<Reply> =>
  readFresh(handles, (read) => {
    const document = parseJson(read.config?.text ?? '');
    return isObject(document) ? json(200, document) : page(502);
  });

/** The map of members that a primary without etcd asks. */
export const failsafe = ({ snapshot }: View): Reply => {
  const map = snapshot === null ? null : (clusterOf(snapshot.seen.dcs)?.failsafe ?? null);
  return map === null ? page(502) : json(200, map.members);
};

const journalLinesMax = 1_000;

/** GET /journal: the newest entries, oldest first, a JSON object a line. */
export function journal({ query }: ApiRequest, handles: Pick<AgentHandles, 'journal'>): Reply {
  const wanted = /^\d{1,6}$/.test(query.limit ?? '') ? Number(query.limit) : 100;
  const entries = wanted === 0 ? [] : handles.journal.recent(Math.min(wanted, journalLinesMax));
  const lines = entries.map((entry) => `${entryText(entry)}\n`).join('');
  return { kind: 'text', status: 200, text: lines, type: 'application/x-ndjson' };
}

/** GET /events: each entry as it is recorded, as server-sent event. */
export const events = (handles: Pick<AgentHandles, 'journal'>): Reply => ({
  kind: 'stream',
  start: (write) => handles.journal.subscribe((entry) => write(`data: ${entryText(entry)}\n\n`)),
});

/** Facts may hold an LSN as bigint one day: that must not break the reader. */
const entryText = (entry: Entry): string =>
  JSON.stringify(entry, (_key, value: unknown) => (typeof value === 'bigint' ? value.toString() : value));
