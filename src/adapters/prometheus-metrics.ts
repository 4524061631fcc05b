// Prometheus metrics. All are declared here; an undeclared name is a bug.
import { Counter, Gauge, Histogram, Registry, collectDefaultMetrics } from 'prom-client';
import { invariant } from '../model/errors.ts';
import type { Metrics } from '../ports/metrics.ts';

interface Definition {
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly help: string;
  readonly labels: readonly string[];
}

/** Names of controller-runtime and client-go where the meaning is the same, so that existing dashboards work. */
export const METRICS: Readonly<Record<string, Definition>> = {
  controller_runtime_reconcile_total: counter('Reconciles of twins, by result.', 'controller', 'result'),
  controller_runtime_reconcile_errors_total: counter('Reconciles that failed.', 'controller'),
  controller_runtime_terminal_reconcile_errors_total: counter('Failures that a retry can not fix.', 'controller'),
  controller_runtime_reconcile_panics_total: counter('Bugs in a reconcile, contained.', 'controller'),
  controller_runtime_reconcile_time_seconds: histogram('Duration of a reconcile.', 'controller'),
  controller_runtime_active_workers: gauge('Reconciles in progress.', 'controller'),
  workqueue_depth: gauge('Waiting keys.', 'name', 'priority'),
  workqueue_adds_total: counter('Keys added.', 'name'),
  workqueue_retries_total: counter('Keys re-queued after a failure.', 'name'),
  workqueue_queue_duration_seconds: histogram('Time a key waits in the queue.', 'name'),
  workqueue_work_duration_seconds: histogram('Time a worker spends on a key.', 'name'),
  rest_client_requests_total: counter('Calls to the hub, by outcome.', 'code', 'method', 'host'),
  rest_client_request_duration_seconds: histogram('Duration of calls to the hub.', 'method', 'host'),
  leader_election_master_status: gauge('1 where this process holds the lease, by hub and instance.', 'name'),
  twinward_devices: gauge('Managed twins, each in exactly one state.', 'hub', 'state'),
  twinward_contested_devices: gauge('Twins with a setting that another writer keeps changing.', 'hub'),
  twinward_nudges_total: counter('Sections sent again to an agent that lost its settings.', 'hub'),
  twinward_patches_total: counter('Writes to twins, by result.', 'hub', 'result'),
  twinward_drift_corrected_total: counter('Twins whose drift was corrected.', 'hub'),
  twinward_guard_refusals_total: counter('Changes that a guard refused, each counted once.', 'hub', 'guard'),
  twinward_unexpected_answer_total: counter('Writes whose answer was not the twin as written.', 'hub'),
  twinward_last_sync_timestamp_seconds: gauge('End of the last complete pass.', 'hub'),
};

const SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

export interface PrometheusMetrics extends Metrics {
  /** In the text format that Prometheus scrapes. */
  text(): Promise<string>;
  readonly contentType: string;
}

export function prometheusMetrics(): PrometheusMetrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const counters = new Map<string, Counter>();
  const gauges = new Map<string, Gauge>();
  const histograms = new Map<string, Histogram>();
  for (const [name, { type, help, labels }] of Object.entries(METRICS)) {
    const common = { name, help, labelNames: [...labels], registers: [registry] };
    if (type === 'counter') counters.set(name, new Counter(common));
    else if (type === 'gauge') gauges.set(name, new Gauge(common));
    else histograms.set(name, new Histogram({ ...common, buckets: SECONDS }));
  }
  return {
    count: (name, labels, by = 1) => declared(counters, name).inc({ ...labels }, by),
    gauge: (name, labels, value) => declared(gauges, name).set({ ...labels }, value),
    observe: (name, labels, value) => declared(histograms, name).observe({ ...labels }, value),
    text: () => registry.metrics(),
    contentType: registry.contentType,
  };
}

function declared<T>(metrics: ReadonlyMap<string, T>, name: string): T {
  const metric = metrics.get(name);
  invariant(metric !== undefined, `the metric ${name} is declared with this type`);
  return metric;
}

function counter(help: string, ...labels: readonly string[]): Definition {
  return { type: 'counter', help, labels };
}

function gauge(help: string, ...labels: readonly string[]): Definition {
  return { type: 'gauge', help, labels };
}

function histogram(help: string, ...labels: readonly string[]): Definition {
  return { type: 'histogram', help, labels };
}
