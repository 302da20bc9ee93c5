import type { ClientPicture, MachinePicture } from '../model/live.ts';
import { Connector } from './connector.tsx';
import { Parts } from './parts.tsx';
import { Services } from './services.tsx';

interface Props {
  readonly client: ClientPicture;
  readonly machines: readonly MachinePicture[];
}

/** The machine of the application: HAProxy, and where it would send a client now. */
export function Client({ client: { beside, proxies }, machines }: Props) {
  return (
    <li class={`machine client ${beside.power === 'off' ? 'dark' : ''}`} tabIndex={-1}>
      <Connector node="client" kind="cable" beside={beside} />
      <article class="card" aria-label="client">
        <header>
          <h3>client</h3>
          <span class="role">HAProxy</span>
        </header>
        {proxies === null ? (
          <p class="state bad">
            <span class="lamp" aria-hidden="true" />
            HAProxy does not answer
          </p>
        ) : (
          <table class="routes">
            <caption class="unseen">Where HAProxy sends clients</caption>
            <thead>
              <tr>
                <td />
                {proxies.map(({ name, port }) => (
                  <th scope="col" key={name}>
                    {name} <small>:{port}</small>
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {machines.map(({ name }) => (
                <tr key={name}>
                  <th scope="row">{name}</th>
                  {proxies.map((proxy) => {
                    const server = proxy.servers.find((one) => one.name === name);
                    const up = server?.up === true;
                    const sessions = server?.sessions ?? 0;
                    return (
                      <td key={proxy.name} class={up ? 'up' : 'down'}>
                        <span class="lamp" aria-hidden="true" />
                        {up
                          ? sessions > 0
                            ? `up, ${sessions} ${sessions === 1 ? 'client' : 'clients'}`
                            : 'up'
                          : 'down'}
                      </td>
                    );
                  })}
                </tr>
              ))}
            </tbody>
          </table>
        )}
        <Services node="client" beside={beside} />
        <Parts node="client" beside={beside} />
      </article>
      <Connector node="client" kind="plug" beside={beside} />
    </li>
  );
}
