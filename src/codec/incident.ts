import type { Incident } from '../model/incident.ts';
import { isObject, parseJsonOfAnyDepth } from './dcs/json.ts';

/** An incident as it was written, by this version or another: what is not as it should be makes it none. */
export function readIncident(text: string): Incident | null {
  const value = parseJsonOfAnyDepth(text);
  if (!isObject(value) || value.version !== 1) return null;
  const texts = [value.id, value.scope, value.node, value.kind, value.state, value.began, value.trigger];
  const lists = [value.decisions, value.phases, value.jobs, value.evidence];
  const spans = [value.leader, value.timeline];
  const whole =
    texts.every((one) => typeof one === 'string') &&
    lists.every((list) => Array.isArray(list) && list.every(isObject)) &&
    (value.phases as readonly Record<string, unknown>[]).every(
      ({ phase, afterMs }) => typeof phase === 'string' && typeof afterMs === 'number',
    ) &&
    spans.every(isObject);
  return whole ? (value as unknown as Incident) : null;
}
