import type { Member } from '../../model/cluster.ts';

/** `{"max_connections": {"old_value": "40", "new_value": "50"}}` */
export const reasonsDocument = (
  reasons: NonNullable<Member['pendingRestartReason']>,
): Readonly<Record<string, { readonly old_value: string; readonly new_value: string }>> =>
  Object.fromEntries(
    Object.entries(reasons).map(([name, { oldValue, newValue }]) => [
      name,
      { old_value: oldValue, new_value: newValue },
    ]),
  );
