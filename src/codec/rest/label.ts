/** In a label of Prometheus' text format. */
export const escapeLabel = (value: string): string => value.replace(/[\\"]/g, '\\$&').replace(/\n/g, '\\n');
