import type { Fact } from '../../model/decision.ts';
import { asText } from '../../model/scalars.ts';
import { leaderless } from '../contest.ts';
import { dueRequest, iAmLeader, runningStandby } from '../judge.ts';
import type { Rule } from '../rule.ts';

/**
 * A standby cluster has its primary elsewhere: whoever leads it follows that one. This agent cannot do that, and a promotion would
 * make a second primary of the same data.
 */
export const standbyClusterRemedy =
  'run Patroni on these nodes; or, if this cluster is to have a primary of its own: edit-config --set standby_cluster=null (with another --set where it is the only setting)';

export const remoteFacts = (section: Readonly<Record<string, unknown>>): readonly Fact[] => [
  ['remoteHost', section.host === undefined ? null : asText(section.host)],
  ['remotePort', section.port === undefined ? null : asText(section.port)],
];

const notLed: Rule = {
  name: 'standbyCluster.notLed',
  reason: 'the primary of this cluster is elsewhere, and following it is not done yet: nobody is promoted here',
  judge(seen) {
    const { standbyCluster } = seen.settings.cluster;
    if (standbyCluster === null || runningStandby(seen) === null) return undefined;
    const isMine = iAmLeader(seen);
    if (!isMine && leaderless(seen) === null) return undefined;
    const request = dueRequest(seen);
    return {
      actions: [
        ...(isMine ? [{ kind: 'releaseLeaderKey', lsn: null } as const] : []),
        // Left there, it would be carried out on the day that this ends.
        ...(request === null ? [] : [{ kind: 'clearFailover', seenModRevision: request.modRevision } as const]),
      ],
      because: [...remoteFacts(standbyCluster), ['needsOperator', standbyClusterRemedy]],
    };
  },
};

export const standbyClusterRules: readonly Rule[] = [notLed];
