-- History in PostgreSQL: one row per device and moment, one column per field, never overwritten.
create table reading (
  home_id            text not null,
  device_id          text not null,
  at                 timestamptz not null,
  -- Tells apart messages of one device within the same millisecond.
  seq                smallint not null default 0,
  heart_rate_per_min real,
  respiration_per_min real,
  bed_occupied       real,
  movement           real,
  signal_quality     real,
  gas_lel_percent    real,
  co_ppm             real,
  temperature_c      real,
  humidity_percent   real,
  battery_percent    real,
  rssi_dbm           real,
  primary key (home_id, device_id, at, seq)
);
