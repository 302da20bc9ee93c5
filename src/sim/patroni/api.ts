import { patchConfig } from '../../codec/config/patch.ts';
import { writeFailover } from '../../codec/dcs/failover.ts';
import { compactJson, isObject, type JsonObject, parseJson, textOrNull } from '../../codec/dcs/json.ts';
import { readSchedule } from '../../codec/dcs/schedule.ts';
import type { HttpAnswer, HttpRequest } from '../http.ts';
import { statusText } from './documents.ts';
import { DcsError } from './etcd.ts';
import type { Ha } from './ha.ts';
import type { PeerParts } from './life.ts';

const answer = (status: number, body: string): HttpAnswer => ({ status, headers: {}, body });

/** What a Patroni answers over HTTP, as far as the others and the people of a run ask it. */
export function makePeerApi(parts: PeerParts, ha: Ha): (request: HttpRequest) => Promise<HttpAnswer> {
  const { settings, keys, view, session, election, dynamic } = parts;

  async function health(path: string): Promise<HttpAnswer> {
    const self = await ha.self();
    const isPrimary = self.looked.kind === 'running' && !self.looked.inRecovery;
    const isReplica = self.looked.kind === 'running' && self.looked.inRecovery;
    const good: Readonly<Record<string, boolean>> = {
      patroni: true,
      liveness: true,
      health: self.looked.kind === 'running',
      primary: isPrimary && (ha.leads() || dynamic().pause),
      leader: isPrimary && (ha.leads() || dynamic().pause),
      replica: isReplica,
    };
    return answer(good[path] === true ? 200 : 503, statusText(self, settings));
  }

  async function patch(body: JsonObject): Promise<HttpAnswer> {
    const { config } = await view.cluster(dynamic().retryTimeoutMs);
    if (config === null) return answer(503, 'no configuration');
    const text = compactJson(patchConfig(parseJson(config.text), body));
    const unchanged = [{ target: 'mod', key: keys.config, equals: config.modRevision }] as const;
    const written = await session.write(keys.config, text, unchanged);
    parts.wake();
    return written ? answer(200, text) : answer(409, '');
  }

  /** Writes the failover key once somebody is there who could take over; how it goes is not waited for. */
  async function handOver(body: JsonObject): Promise<HttpAnswer> {
    const cluster = await view.cluster(dynamic().retryTimeoutMs);
    const [leader, candidate] = [textOrNull(body.leader), textOrNull(body.candidate)];
    const at = textOrNull(body.scheduled_at);
    const scheduledAt = at === null ? null : readSchedule(at);
    if (leader === null && candidate === null) return answer(400, 'a leader or a candidate');
    if (leader !== null && cluster.leader?.name !== leader) return answer(412, 'leader name does not match');
    if (candidate !== null && candidate === cluster.leader?.name) return answer(412, 'it leads already');
    if (at !== null && (scheduledAt === null || dynamic().pause)) return answer(422, 'not to be scheduled');
    if (dynamic().pause && candidate === null) return answer(400, 'in pause a candidate must be named');
    if (at === null && !(await election.possible(cluster, candidate))) return answer(412, 'nobody could take over');
    await session.write(keys.failover, writeFailover({ leader, candidate, scheduledAt }));
    parts.wake();
    return answer(202, 'asked');
  }

  async function reinitialize(): Promise<HttpAnswer> {
    const cluster = await view.cluster(dynamic().retryTimeoutMs);
    const leader = cluster.members.find((one) => one.name === cluster.leader?.name);
    if (leader === undefined || leader.name === settings.name) return answer(503, 'there is nobody to clone from');
    ha.reinitialize(leader);
    return answer(200, 'reinitialize started');
  }

  async function change(path: string, body: JsonObject): Promise<HttpAnswer> {
    if (path === 'PATCH config') return patch(body);
    if (path === 'POST switchover' || path === 'POST failover') return handOver(body);
    if (path === 'POST reinitialize') return reinitialize();
    if (path === 'POST reload') return answer(202, 'reload scheduled');
    // What is scheduled for later is kept nowhere but in its memory: nobody here misses it.
    if (path !== 'POST restart' || body.schedule !== undefined) return answer(501, 'not in this model of Patroni');
    ha.restart();
    return answer(200, 'restarted successfully');
  }

  return async ({ method, path, body }) => {
    const first = path.split(/[/?]/)[1] ?? '';
    try {
      if (method === 'GET') return await health(first);
      const document = parseJson(body);
      return await change(`${method} ${first}`, isObject(document) ? document : {});
    } catch (error) {
      if (!(error instanceof DcsError)) throw error;
      return answer(503, error.message);
    }
  };
}
