import type { AgentHandles } from '../model/agent.ts';
import type { RuleTexts } from '../model/moment.ts';
import type { LocalSettings } from '../model/settings.ts';
import * as config from './handlers/config.ts';
import { reinitialize, reload } from './handlers/data.ts';
import { deed } from './handlers/deed.ts';
import { promise } from './handlers/failsafe.ts';
import { cancelSwitchover, handOver } from './handlers/handover.ts';
import { health, liveness, readiness } from './handlers/health.ts';
import { incidents } from './handlers/incidents.ts';
import { metrics } from './handlers/metrics.ts';
import { cluster, events, failsafe, history, journal, patroni, showConfig } from './handlers/read.ts';
import { rehearse } from './handlers/rehearse.ts';
import { reports } from './handlers/reports.ts';
import { cancelRestart, restart } from './handlers/restart.ts';
import { ui } from './handlers/ui.ts';
import { type ApiRequest, page, type Reply, text } from './reply.ts';
import { viewOf } from './view.ts';

/** What handlers of the agent work with. */
export interface ApiDeps {
  readonly handles: AgentHandles;
  readonly local: LocalSettings;
  /** The live page as it was built; null, or nobody to ask: there is none. */
  readonly livePage?: () => string | null;
  readonly rules?: RuleTexts;
  sleep(ms: number): Promise<void>;
}

export type Route = (request: ApiRequest) => Reply | Promise<Reply>;
/** By `METHOD first-part-of-the-path`; what comes after is ignored. */
export type Routes = Readonly<Record<string, Route>>;

/** Safe ones are open to all; the rest change something. */
export const isSafe = (method: string): boolean => method === 'GET' || method === 'HEAD' || method === 'OPTIONS';

/** The agent's table. HEAD and OPTIONS of any path are health checks, whatever a GET of it would be. */
export function agentRoutes(deps: ApiDeps): { readonly routes: Routes; readonly otherwise: Route } {
  const { handles, local } = deps;
  const view = () => viewOf(handles, local);
  const routes: Routes = {
    'GET patroni': () => patroni(view()),
    'GET liveness': () => liveness(view()),
    'GET readiness': (request) => readiness(request, view()),
    'GET cluster': () => cluster(handles, local.scope),
    'GET history': () => history(handles),
    'GET config': () => showConfig(handles),
    'GET failsafe': () => failsafe(view()),
    'GET journal': (request) => journal(request, handles),
    'GET events': () => events(handles),
    'GET rehearse': (request) => rehearse(request, deps),
    'GET incidents': (request) => incidents(request, handles),
    'GET reports': (request) => reports(request, handles),
    'GET metrics': () => metrics(view(), handles),
    'GET ui': (request) => ui(request, deps),
    'POST ui': (request) => deed(request, deps),
    'PATCH config': (request) => config.patch(request, handles),
    'PUT config': (request) => config.put(request, handles),
    'POST switchover': (request) => handOver('switchover', request, deps),
    'DELETE switchover': () => cancelSwitchover(handles),
    'POST failover': (request) => handOver('failover', request, deps),
    'POST restart': (request) => restart(request, handles),
    'DELETE restart': () => cancelRestart(handles),
    'POST reload': () => reload(handles),
    'POST reinitialize': (request) => reinitialize(request, deps),
    'POST failsafe': (request) => promise(request, handles),
    'POST sigterm': () => text(202, 'shutdown scheduled'),
  };
  return {
    routes,
    otherwise: (request) =>
      isSafe(request.method) ? health(request, view()) : page(501, `Unsupported method ('${request.method}')`),
  };
}

export const routeKey = ({ method, path }: ApiRequest): string => `${method} ${path.split('/')[1] ?? ''}`;
