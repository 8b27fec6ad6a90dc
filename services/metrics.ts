import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import type { Metrics } from './ports.ts'

/** Every figure that `/metrics` shows: its name, what it means, and its labels. A name that is not here is a programmer's error. */
const COUNTERS = {
  anlin_messages_total: { help: 'MQTT messages committed to the log', labels: ['lane'] },
  anlin_messages_rejected_total: {
    help: 'Messages stored with what is wrong with them, or with a part of them',
    labels: ['code'],
  },
  anlin_logins_refused_total: { help: 'MQTT connections refused', labels: ['reason'] },
  anlin_connections_closed_total: { help: 'MQTT connections that ingest closed', labels: ['reason'] },
  anlin_commit_failures_total: { help: 'Batches whose commit failed or is unknown', labels: [] },
  anlin_rows_folded_total: { help: 'Log rows folded by the rules', labels: [] },
  anlin_rows_at_hand_total: {
    help: 'Rows folded as ingest committed them in this process, without reading the log',
    labels: [],
  },
  anlin_fold_conflicts_total: { help: 'Folds thrown away because another worker was quicker', labels: [] },
  anlin_fold_errors_total: { help: 'Rows a rule could not be applied to', labels: [] },
  anlin_incident_conflicts_total: {
    help: 'Escalation passes thrown away because another worker was quicker',
    labels: [],
  },
  anlin_incident_fold_errors_total: { help: 'Inputs and timers that the incident fold could not take', labels: [] },
  anlin_nobody_reachable_total: { help: 'Rounds of an escalation that reached nobody', labels: [] },
  anlin_steps_without_people_total: {
    help: 'Steps of an escalation with nobody assigned, or nobody who has a phone',
    labels: ['reason'],
  },
  anlin_homes_read_ahead_total: { help: 'Escalation passes whose home was read before their signal came', labels: [] },
  anlin_alarms_in_one_commit_total: {
    help: 'Folds written in one commit with the escalation pass over their signals',
    labels: [],
  },
  anlin_outbox_claims_total: {
    help: 'Messages taken up to be sent: claimed by the commit that wrote them, or in the outbox',
    labels: ['where'],
  },
  anlin_outbox_sent_total: { help: 'Provider requests by their outcome', labels: ['outcome'] },
  anlin_outbox_duplicates_total: { help: 'Messages that may have reached a person twice, by cause', labels: ['cause'] },
  anlin_history_points_total: { help: 'Measurements that the history store has confirmed', labels: [] },
  anlin_history_dead_letters_total: { help: 'Measurements that the history store refused for good', labels: [] },
  anlin_streams_ended_total: { help: 'Streams to pages that ended, by reason', labels: ['reason'] },
  anlin_replies_total: { help: 'Messages people sent us, by what became of them', labels: ['verdict'] },
} as const
const GAUGES = {
  anlin_mqtt_connections: { help: 'Open MQTT connections', labels: [] },
  anlin_streams: { help: 'Open streams to pages', labels: [] },
  anlin_commit_waiting_bytes: { help: 'Bytes of messages that wait for their commit', labels: [] },
  anlin_reader_lag_seconds: { help: 'Age of the oldest row a reader of the log has not passed', labels: ['reader'] },
  anlin_oldest_transaction_seconds: {
    help: 'Age of the oldest open writing transaction: it hides newer rows',
    labels: [],
  },
  anlin_outbox_oldest_seconds: { help: 'Age of the oldest message that waits to be sent', labels: [] },
  anlin_history_stopped: {
    help: '1 while the history stands still until somebody mends the cause',
    labels: ['reason'],
  },
  anlin_last_sweep_timestamp_seconds: { help: 'When the role last swept without a fault', labels: ['role'] },
  anlin_look_age_seconds: {
    help: 'Time since this figure could last be read from the database: it grows while what the figure says is old',
    labels: ['figure', 'reader'],
  },
} as const
/** Read from the database by a sweep: while that fails they would stand still at what was last seen, as if all were well. */
const LOOKED_UP = ['anlin_reader_lag_seconds', 'anlin_oldest_transaction_seconds', 'anlin_outbox_oldest_seconds']
const DURATIONS = {
  anlin_puback_seconds: { help: 'From the last byte of a PUBLISH to its PUBACK', labels: [] },
  anlin_press_to_request_seconds: {
    help: "From a press's commit to the first request to the SMS provider",
    labels: [],
  },
  anlin_fold_pass_seconds: { help: 'One pass of the rules: read, fold, commit', labels: [] },
} as const

const DURATION_BUCKETS = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30]

export type MetricsPage = Metrics & { text(): Promise<string> }

type Seen = { name: string; labels: Record<string, string>; atMs: number }

/** @param monotonicMs for what has an age when the page is read */
export function createMetrics(monotonicMs: () => number = () => performance.now()): MetricsPage {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  const registers = [registry]
  const make = <T>(
    table: Record<string, { help: string; labels: readonly string[] }>,
    build: (name: string, help: string, labelNames: string[]) => T,
  ) => new Map(Object.entries(table).map(([name, { help, labels }]) => [name, build(name, help, [...labels])]))
  const counters = make(COUNTERS, (name, help, labelNames) => new Counter({ name, help, labelNames, registers }))
  const gauges = make(GAUGES, (name, help, labelNames) => new Gauge({ name, help, labelNames, registers }))
  const durations = make(
    DURATIONS,
    (name, help, labelNames) => new Histogram({ name, help, labelNames, registers, buckets: DURATION_BUCKETS }),
  )
  const seen = new Map<string, Seen>()
  return {
    count: (name, by = 1, labels = {}) => known(counters, name).inc(labels, by),
    gauge(name, value, labels = {}) {
      known(gauges, name).set(labels, value)
      if (LOOKED_UP.includes(name)) seen.set(`${name} ${Object.values(labels)}`, { name, labels, atMs: monotonicMs() })
    },
    observe: (name, value, labels = {}) => known(durations, name).observe(labels, value),
    text() {
      for (const { name, labels, atMs } of seen.values()) {
        known(gauges, 'anlin_look_age_seconds').set({ figure: name, ...labels }, (monotonicMs() - atMs) / 1_000)
      }
      return registry.metrics()
    },
  }
}

function known<T>(metrics: Map<string, T>, name: string): T {
  const metric = metrics.get(name)
  if (!metric) throw new Error(`no metric is called ${name}: name it in services/metrics.ts`)
  return metric
}
