/** A request that is not done, as code and sentence. */
export interface Refusal {
  readonly kind: 'refused';
  readonly status: number;
  readonly text: string;
}

export const refusal = (status: number, text: string): Refusal => ({ kind: 'refused', status, text });
