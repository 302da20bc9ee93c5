import { Resolver } from 'node:dns/promises';

/** Patroni's order: encrypted first, the client names before the bare ones. */
const services = [
  { name: '_etcd-client-ssl._tcp', scheme: 'https' },
  { name: '_etcd-client._tcp', scheme: 'http' },
  { name: '_etcd-ssl._tcp', scheme: 'https' },
  { name: '_etcd._tcp', scheme: 'http' },
] as const;

/** The endpoints that a domain's SRV records name, best first; those of the first service that has any. */
export async function resolveSrv(domain: string, limitMs: number, servers?: readonly string[]): Promise<string[]> {
  const resolver = new Resolver({ timeout: Math.max(100, Math.floor(limitMs / 2)), tries: 2 });
  if (servers !== undefined) resolver.setServers(servers);
  const limit = setTimeout(() => resolver.cancel(), limitMs);
  const found = await Promise.all(
    services.map(async ({ name, scheme }) => {
      const records = await resolver.resolveSrv(`${name}.${domain}`).catch(() => []);
      return records
        .sort((a, b) => a.priority - b.priority || b.weight - a.weight)
        .map((record) => `${scheme}://${record.name}:${record.port}`);
    }),
  );
  clearTimeout(limit);
  return found.find((urls) => urls.length > 0) ?? [];
}
