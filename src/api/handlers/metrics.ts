import { writeMetrics } from '../../codec/rest/metrics.ts';
import type { Reply } from '../reply.ts';
import type { View } from '../view.ts';

export const metrics = (view: View): Reply => ({
  kind: 'text',
  status: 200,
  text: writeMetrics(view.snapshot, view),
  type: 'text/plain',
});
