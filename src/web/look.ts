/** Asks the server of this page, which is of the same version: the shape is trusted. Text: why there is no answer. */
export async function look<T extends object>(
  path: string,
  query: Readonly<Record<string, string>>,
): Promise<T | string> {
  try {
    const answer = await fetch(`ui/${path}?${new URLSearchParams(query)}`);
    return answer.ok ? await answer.json() : (await answer.text()).trim();
  } catch {
    return 'nobody answers';
  }
}
