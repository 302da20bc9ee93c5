import { writeMetrics } from '../../codec/rest/metrics.ts';
import type { AgentHandles } from '../../model/agent.ts';
import type { Reply } from '../reply.ts';
import type { View } from '../view.ts';

export function metrics(view: View, handles: Pick<AgentHandles, 'rehearse'>): Reply {
  const played = handles.rehearse(null);
  return {
    kind: 'text',
    status: 200,
    text: writeMetrics(view.snapshot, view, played === null || 'kind' in played ? null : played),
    type: 'text/plain',
  };
}
