-- The observation log: what came, undecoded, in raw bytes. Append-only, partitioned by day of receipt.
-- An identity column is not commit order, so readers order by (xid, id) below the snapshot's xmin (ARCHITECTURE.md, "The cursor").
create table observation_log (
  xid         xid8 not null default pg_current_xact_id(),
  id          bigint generated always as identity,
  received_at timestamptz not null default clock_timestamp(),
  shard       smallint not null,
  -- 0 urgent (native events, alarm devices), 1 ordinary
  lane        smallint not null,
  home_id     text not null,
  account     text not null,
  -- qos in bits 0-1, dup 4, retain 8, last will 16
  flags       smallint not null,
  packet_id   integer,
  topic       text not null,
  payload     bytea not null,
  -- Set where ingest already knows why nobody will read it.
  rejected    text
) partition by range (received_at);
create index observation_log_cursor on observation_log (shard, xid, id);
create index observation_log_urgent on observation_log (shard, xid, id) where lane = 0;

-- A closed day, packed: one row per shard and piece, the rows in order as compressed JSON lines.
create table observation_pack (
  day      date not null,
  shard    smallint not null,
  piece    integer not null,
  first_xid xid8 not null,
  first_id  bigint not null,
  last_xid  xid8 not null,
  last_id   bigint not null,
  row_count integer not null,
  rows_zstd bytea not null,
  primary key (day, shard, piece)
);

-- Where each reader of the log stands: everything at or before (xid, id) is done. Moved by compare-and-set on version.
create table log_cursor (
  reader  text not null,
  shard   smallint not null,
  xid     xid8 not null default '0',
  id      bigint not null default 0,
  -- Receipt time of the last row passed: what the partitions older than it are no longer needed for.
  passed_at timestamptz not null default '-infinity',
  version bigint not null default 0,
  primary key (reader, shard)
);

-- The fold's state of a home, device states included. `wake_at` is never later than the true next timer
-- (it may be earlier: a fold that only moves a timer back leaves the column alone, so the update stays within its page).
create table home_state (
  home_id  text primary key,
  shard    smallint not null,
  version  bigint not null default 0,
  xid      xid8 not null default '0',
  id       bigint not null default 0,
  last_now timestamptz not null default '-infinity',
  wake_at  timestamptz,
  -- home.settings_version of the facts it was last folded with, and the last clock_jump it has taken in.
  facts_version bigint not null default 0,
  clock_epoch   integer not null default 0,
  state    json not null
) with (fillfactor = 50, toast_tuple_target = 4080);
-- Half of each page stays free for the next version of its rows, and a state of some KB is kept as it is: compressing it
-- at each of some thousand updates a second would cost more than all the rest.
create index home_state_due on home_state (wake_at) where wake_at is not null;

-- The database's clock jumped against the monotonic one. Each home takes it in as an input of its own.
create table clock_jump (
  epoch  integer generated always as identity primary key,
  at     timestamptz not null default clock_timestamp(),
  gap_ms bigint not null
);

-- Homes whose facts changed and whose fold has not been told yet: a new device is supervised from now on, a shorter time
-- limit may be due already. The sweep visits them; the commit that used the new facts takes them off the list.
create table home_facts_changed (
  home_id text primary key,
  version bigint not null
);

-- Whatever the fold knows about a home besides its messages (settings, test mode, devices) moves settings_version,
-- whoever writes it, so that a worker's cache can be checked by one number.
create function home_facts_move() returns trigger language plpgsql as $$
begin
  new.settings_version := old.settings_version + 1;
  insert into home_facts_changed (home_id, version) values (new.home_id, new.settings_version)
    on conflict (home_id) do update set version = excluded.version;
  return new;
end $$;
create trigger home_facts_move before update of settings, settings_version, test_mode_until, time_zone, language on home
  for each row execute function home_facts_move();
create function device_moves_home_facts() returns trigger language plpgsql as $$
begin
  update home set settings_version = settings_version where home_id = coalesce(new.home_id, old.home_id);
  return null;
end $$;
create trigger device_moves_home_facts after insert or delete or update of kind, room, gateway_id, retired_at on device
  for each row execute function device_moves_home_facts();

-- What the fold was given besides the log's rows, in the home's order: a timer that a sweep fired, new settings,
-- a clock that jumped. With the log this makes a replay exact (P8).
create table home_input (
  home_id    text not null,
  version    bigint not null,
  -- The position of the log after which it was applied.
  xid        xid8 not null,
  id         bigint not null,
  now        timestamptz not null,
  body       jsonb not null,
  primary key (home_id, version)
);

-- Rows of the log that no decoder could read, with the reason: stored, counted, shown (P5).
create table log_rejection (
  home_id     text not null,
  xid         xid8 not null,
  id          bigint not null,
  received_at timestamptz not null,
  code        text not null,
  primary key (home_id, xid, id)
);

-- The homes' states as they stood when a day began.
create table home_state_daily (
  day     date not null,
  home_id text not null,
  xid     xid8 not null,
  id      bigint not null,
  version bigint not null,
  last_now timestamptz not null,
  state   json not null,
  -- The last signal that the home had given by then (incident_input), 0 for none: a replay goes on with the next one.
  signal_id bigint not null default 0,
  primary key (day, home_id)
);

-- What the pages and the devices are told to look at again. Readers keep (xid, id) like those of the log.
create table change (
  xid     xid8 not null default pg_current_xact_id(),
  id      bigint generated always as identity,
  at      timestamptz not null default clock_timestamp(),
  kind    text not null check (kind in ('incident', 'home', 'device')),
  home_id text not null,
  ref     text not null,
  primary key (xid, id)
);
create function notify_change() returns trigger language plpgsql as $$
begin
  -- The trigger also runs for a statement that inserts nothing; a NOTIFY would queue all commits behind one lock.
  if exists (select 1 from added) then
    perform pg_notify('change', '');
  end if;
  return null;
end $$;
create trigger change_notify after insert on change referencing new table as added
  for each statement execute function notify_change();
