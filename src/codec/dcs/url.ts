/** Host (without brackets) and port of a `postgres://` URL; null when it is none. */
export function hostPortOf(url: string): { readonly host: string; readonly port: number } | null {
  const match = /^postgres(?:ql)?:\/\/(?:[^@/?]*@)?(?:\[([^\]]+)\]|([^:/?[\]]+))(?::(\d{1,5}))?(?:[/?]|$)/.exec(url);
  const host = match?.[1] ?? match?.[2];
  return host === undefined ? null : { host, port: Number(match?.[3] ?? 5432) };
}
