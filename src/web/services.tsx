import type { Beside, ServicePicture } from '../model/live.ts';
import { Act } from './act.tsx';

/** The programs of a machine, and the cores they share: how each is, and what may be done to it. */
export function Services({ node, beside }: { readonly node: string; readonly beside: Beside }) {
  const on = beside.power === 'on';
  return (
    <table class="services">
      <caption class="unseen">Programs of {node}</caption>
      <tbody>
        {beside.services.map((service) => (
          <tr key={service.name} class={on ? service.state : 'dark'}>
            <th scope="row">{service.name}</th>
            <td>
              <span class="lamp" aria-hidden="true" />
              {on ? (service.note ?? service.state) : 'no power'}
            </td>
            <td class="acts">{on && <ServiceActs node={node} service={service} />}</td>
          </tr>
        ))}
        <Cores node={node} beside={beside} />
      </tbody>
    </table>
  );
}

function Cores({ node, beside: { power, saturated } }: { readonly node: string; readonly beside: Beside }) {
  const on = power === 'on';
  const deed = saturated ? 'relieve' : 'saturate';
  return (
    <tr class={on ? (saturated ? 'saturated' : '') : 'dark'}>
      <th scope="row">cores</th>
      <td>
        <span class="lamp" aria-hidden="true" />
        {on ? (saturated ? 'saturated' : 'not saturated') : 'no power'}
      </td>
      <td class="acts">
        {on && (
          <Act
            deed={{ deed, node }}
            label={saturated ? `relieve the cores of ${node}` : `saturate the cores of ${node}`}
          >
            {saturated ? 'Relieve' : 'Saturate'}
          </Act>
        )}
      </td>
    </tr>
  );
}

function ServiceActs({ node, service: { name, state } }: { readonly node: string; readonly service: ServicePicture }) {
  const frozen = state === 'frozen';
  const stopped = state === 'stopped';
  // A guardian is started by its agent, which sees at once that it is gone.
  const startable = name !== 'guardian';
  const freeze = frozen ? 'thaw' : 'freeze';
  return (
    <>
      {!stopped && (
        <Act key="freeze" deed={{ deed: freeze, node, service: name }} label={`${freeze} ${name} on ${node}`}>
          {frozen ? 'Thaw' : 'Freeze'}
        </Act>
      )}
      {stopped ? (
        startable && (
          <Act key="kill" deed={{ deed: 'start', node, service: name }} label={`start ${name} on ${node}`}>
            Start
          </Act>
        )
      ) : (
        <Act key="kill" deed={{ deed: 'kill', node, service: name }} label={`kill ${name} on ${node}`}>
          Kill
        </Act>
      )}
    </>
  );
}
