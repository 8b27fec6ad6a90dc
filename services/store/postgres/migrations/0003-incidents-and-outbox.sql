-- Incidents: one situation each, folded from its inputs; the answers of people; the messages that go out.

-- The clock of escalation and messages. A function, so that a test can put another clock into its own database; declared
-- stable, so that `due_at <= platform_now()` can use an index.
create function platform_now() returns timestamptz language sql stable as 'select clock_timestamp()';

-- Ends a statement of several writes when one of its compare-and-sets found something else than was read.
create function refuse_lost_race(written bigint, expected bigint) returns void language plpgsql as $$
begin
  if written is distinct from expected then
    raise exception 'lost the race: % of %', written, expected using errcode = 'serialization_failure';
  end if;
end $$;

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
  -- The latest `now` it was folded with: time goes on from here when the clock is set back over a restart.
  folded_at   timestamptz not null,
  version     bigint not null,
  state       jsonb not null,
  -- Who is told next and when, by name, for the pages; null where nobody is.
  next_step   jsonb,
  primary key (home_id, incident_id),
  -- P3: an unacknowledged critical incident always has a due time.
  constraint critical_has_a_due_time check (severity <> 'critical' or status <> 'open' or wake_at is not null)
);
create unique index incident_one_unresolved on incident (home_id, kind, subject) where status <> 'resolved';
create index incident_due on incident (wake_at) where wake_at is not null;
create index incident_by_time on incident (opened_at desc, incident_id);

-- Everything an incident is folded from, in the home's order: signals of the rules, answers, receipts, timers.
create table incident_input (
  home_id     text not null,
  input_id    bigint generated always as identity,
  xid         xid8 not null default pg_current_xact_id(),
  body        jsonb not null,
  -- What it was made from, where that may come twice (a reply pushed and read back): folded once.
  origin      text,
  created_at  timestamptz not null default platform_now(),
  -- Given where it is meant for one incident (an answer, a receipt), found by the fold for signals.
  incident_id text,
  -- Null until the escalation has folded it; then when, in which of the home's passes, and the version of the incident
  -- that this made. With the pass that makes a replay exact (P8).
  applied_at      timestamptz,
  applied_pass    bigint,
  applied_version bigint,
  -- What the fold said to whoever asked.
  result          jsonb,
  -- The code with which the fold refused it: stored, logged, and no longer in the way of what comes after (P5).
  rejected        text,
  primary key (home_id, input_id)
);
create index incident_input_waiting on incident_input (home_id, input_id) where applied_at is null;
create unique index incident_input_origin on incident_input (home_id, origin) where origin is not null;
create index incident_input_by_pass on incident_input (home_id, applied_pass) where applied_pass is not null;

-- One pass of the escalation over a home, and what its folds were given besides their inputs. The passes of a home are
-- numbered, and the number is a compare-and-set: no two of them overlap, so that a replay can take them one by one (P8).
create table escalation_pass (
  home_id    text not null,
  pass       bigint not null,
  now        timestamptz not null,
  facts_hash bytea not null,
  -- Under which the links in its messages were written.
  public_url text not null,
  primary key (home_id, pass)
);

-- What the folds knew of a home and its people, kept once for each time it changed.
create table escalation_facts (
  home_id      text not null,
  facts_hash   bytea not null,
  facts_sealed bytea not null,
  first_used_at timestamptz not null default platform_now(),
  primary key (home_id, facts_hash)
);

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
  -- Withdrawn while it was being sent: whatever comes of this attempt, there is no other.
  unwanted     boolean not null default false,
  provider_id  text,
  error_code   text,
  -- When the message that opened the incident was committed: the first request is measured from here. Null for all else.
  raised_at    timestamptz,
  created_at   timestamptz not null default platform_now(),
  -- When the row is looked at next: pending is sent, unknown is looked up, accepted is asked after. Null: not again.
  due_at       timestamptz default '-infinity',
  -- While `sending`, the row is its sender's until then.
  claimed_until timestamptz,
  settled_at   timestamptz,
  version      bigint not null default 0,
  primary key (home_id, outbox_id)
);
create index outbox_due on outbox (priority, due_at, created_at) where status = 'pending';
create index outbox_open on outbox (status, due_at) where status in ('sending', 'accepted', 'unknown') and due_at is not null;
-- A receipt carries our id alone.
create index outbox_by_id on outbox (outbox_id);
create index outbox_by_phone on outbox (phone_hash, created_at desc);
create index outbox_by_provider_id on outbox (provider_id) where provider_id is not null;
create index outbox_by_incident on outbox (home_id, incident_id);

-- Which incident a code means on a phone. Two homes that share a phone never get the same code within 72 h.
create table phone_code (
  phone_hash  bytea not null,
  code        smallint not null check (code between 10 and 99),
  home_id     text not null,
  incident_id text not null,
  given_at    timestamptz not null,
  primary key (phone_hash, code)
);

-- What people sent us. The provider's id makes a replay harmless.
create table incoming_message (
  provider_id text primary key,
  phone_hash  bytea not null,
  phone_sealed bytea not null,
  body_sealed bytea not null,
  received_at timestamptz not null default platform_now(),
  sent_at     timestamptz,
  -- Null until it has been judged: a crash in between leaves it to the next sweep.
  verdict     text
);
create index incoming_message_waiting on incoming_message (received_at) where verdict is null;
create index incoming_message_by_time on incoming_message ((coalesce(sent_at, received_at)));

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
  at        timestamptz not null default platform_now(),
  -- The same cause may strike one message again.
  count     integer not null default 1,
  primary key (home_id, outbox_id, cause)
);
