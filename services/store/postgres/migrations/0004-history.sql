-- History in PostgreSQL: one row per device and moment, one column per field, never overwritten. Partitioned by month, so
-- that what is too old goes as whole tables; history-partitions.ts makes them.
create table reading (
  home_id             text not null,
  device_id           text not null,
  at                  timestamptz not null,
  -- Tells apart what one device said within the same millisecond.
  sequence            integer not null,
  device_kind         text not null,
  heart_rate_per_min  double precision,
  respiration_per_min double precision,
  bed_occupied        double precision,
  movement            double precision,
  signal_quality      double precision,
  gas_lel_percent     double precision,
  co_ppm              double precision,
  temperature_c       double precision,
  humidity_percent    double precision,
  battery_percent     double precision,
  rssi_dbm            double precision,
  primary key (home_id, device_id, at, sequence)
) partition by range (at);

-- The one batch of the projector that is on its way to the history store, InfluxDB or the table above. Written down before
-- it is sent: decoding depends on what a device said before, which nobody remembers after a crash, and only the very same
-- points may be sent again. `version` counts up with each change, and everything else is guarded by it.
create table history_batch (
  singleton boolean primary key default true check (singleton),
  version   bigint not null default 0,
  -- As compressed JSON; null while nothing is on its way.
  batch_zstd bytea
);
insert into history_batch default values;
alter table history_batch alter column batch_zstd set storage external;

-- Points that the history store refused for good, with what it said.
create table history_dead_letter (
  home_id   text not null,
  device_id text not null,
  at        timestamptz not null,
  sequence  integer not null,
  refused_at timestamptz not null default clock_timestamp(),
  reason    text not null,
  point     jsonb not null,
  primary key (home_id, device_id, at, sequence)
);
