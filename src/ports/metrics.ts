// Numbers for dashboards. Labels come from small closed sets; a device id is never a label.

export interface Metrics {
  /** Adds to a counter. */
  count(name: string, labels: Readonly<Record<string, string>>, by?: number): void;
  /** Sets a gauge. */
  gauge(name: string, labels: Readonly<Record<string, string>>, value: number): void;
  /** Adds an observation, in seconds or bytes as the name says. */
  observe(name: string, labels: Readonly<Record<string, string>>, value: number): void;
}
