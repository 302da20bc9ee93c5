/** During a run every source of real time, chance and I/O throws: a hidden clock would make two runs of one seed differ. */
export async function forbidRealTime<T>(run: () => Promise<T>): Promise<T> {
  const saved = forbidden.map(
    ([holder, name]) => [holder, name, Object.getOwnPropertyDescriptor(holder, name)] as const,
  );
  const realDate = globalThis.Date;
  for (const [holder, name] of forbidden)
    Object.defineProperty(holder, name, { configurable: true, writable: true, value: () => refuse(name) });
  // `new Date(ms)` formats a given instant and is harmless; without an argument it reads the clock.
  globalThis.Date = new Proxy(realDate, {
    construct: (target, args: unknown[]) =>
      args.length === 0 ? refuse('new Date()') : (Reflect.construct(target, args) as object),
    apply: () => refuse('Date()'),
  });
  try {
    return await run();
  } finally {
    globalThis.Date = realDate;
    for (const [holder, name, descriptor] of saved)
      if (descriptor === undefined) Reflect.deleteProperty(holder, name);
      else Object.defineProperty(holder, name, descriptor);
  }
}

const forbidden: readonly (readonly [holder: object, name: string])[] = [
  [Date, 'now'],
  [Math, 'random'],
  [globalThis, 'setTimeout'],
  [globalThis, 'setInterval'],
  [globalThis, 'setImmediate'],
  [globalThis, 'fetch'],
  [performance, 'now'],
  [AbortSignal, 'timeout'],
  [crypto, 'randomUUID'],
  [crypto, 'getRandomValues'],
  [process, 'hrtime'],
];

function refuse(what: string): never {
  throw new Error(`${what} was used during a simulated run: time and chance come from the World`);
}
