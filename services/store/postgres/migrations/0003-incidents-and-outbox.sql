-- Incidents: one situation each, folded from its inputs; the answers of people; the messages that go out.

create table incident (
  home_id     text not null,
  incident_id text not null,
  scope       text not null check (scope in ('home', 'cell', 'platform')),
  kind        text not null,
  subject     text not null,
  severity    text not null check (severity in ('critical', 'warning', 'technical')),
  condition   text not null check (condition in ('active', 'returned')),
  status      text not null check (status in ('open', 'acknowledged', 'resolved')),
  opened_at   timestamptz not null,
  resolved_at timestamptz,
  wake_at     timestamptz,
  version     bigint not null,
  state       jsonb not null,
  primary key (home_id, incident_id),
  -- P3: an unacknowledged critical incident always has a due time.
  constraint critical_has_a_due_time check (severity <> 'critical' or status <> 'open' or wake_at is not null)
);
create unique index incident_one_unresolved on incident (home_id, kind, subject) where status <> 'resolved';
create index incident_due on incident (wake_at) where wake_at is not null;
create index incident_by_time on incident (opened_at desc, incident_id);

-- Everything an incident is folded from, in the home's order: signals of the rules, answers, receipts, timers.
-- applied_version stays null until the escalation has folded it.
create table incident_input (
  home_id     text not null,
  input_id    bigint generated always as identity,
  xid         xid8 not null default pg_current_xact_id(),
  incident_id text,
  body        jsonb not null,
  created_at  timestamptz not null default clock_timestamp(),
  applied_at  timestamptz,
  primary key (home_id, input_id)
);
create index incident_input_waiting on incident_input (home_id, input_id) where applied_at is null;

-- The incident's story, append-only: what the pages show and what a report quotes.
create table incident_event (
  home_id     text not null,
  incident_id text not null,
  seq         integer not null,
  at          timestamptz not null,
  type        text not null,
  body        jsonb not null,
  primary key (home_id, incident_id, seq)
);
create trigger incident_event_append_only before update or delete or truncate on incident_event
  for each statement execute function refuse_change();

create table outbox (
  home_id      text not null,
  outbox_id    text not null,
  incident_id  text,
  -- contact:<id> or user:<id>
  recipient    text not null,
  channel      text not null check (channel in ('sms')),
  purpose      text not null,
  -- 0 first: critical before warning before answers and tests
  priority     smallint not null,
  code         smallint,
  phone_sealed bytea not null,
  phone_hash   bytea not null,
  body_sealed  bytea not null,
  status       text not null check (status in ('pending', 'sending', 'accepted', 'delivered', 'failed', 'unknown', 'withdrawn')),
  attempts     smallint not null default 0,
  provider_id  text,
  error_code   text,
  created_at   timestamptz not null default clock_timestamp(),
  due_at       timestamptz not null default clock_timestamp(),
  -- While `sending`, the row is its sender's until then.
  claimed_until timestamptz,
  settled_at   timestamptz,
  version      bigint not null default 0,
  primary key (home_id, outbox_id)
);
create index outbox_due on outbox (priority, due_at) where status = 'pending';
create index outbox_open on outbox (status, claimed_until) where status in ('sending', 'accepted', 'unknown');
create index outbox_by_phone on outbox (phone_hash, created_at desc);
create index outbox_by_provider_id on outbox (provider_id) where provider_id is not null;
create index outbox_by_incident on outbox (home_id, incident_id);

-- What people sent us. The provider's id makes a replay harmless.
create table incoming_message (
  provider_id text primary key,
  phone_hash  bytea not null,
  body_sealed bytea not null,
  received_at timestamptz not null default clock_timestamp(),
  sent_at     timestamptz,
  verdict     text not null
);

-- The link in a message: whoever holds it may look at one incident as one person, and take it by a POST.
create table incident_link (
  token_hash  bytea primary key,
  home_id     text not null,
  incident_id text not null,
  recipient   text not null,
  expires_at  timestamptz not null
);

-- Duplicates of messages to people, by their cause (P4 counts them).
create table outbox_duplicate (
  home_id   text not null,
  outbox_id text not null,
  cause     text not null,
  at        timestamptz not null default clock_timestamp(),
  primary key (home_id, outbox_id, cause)
);
