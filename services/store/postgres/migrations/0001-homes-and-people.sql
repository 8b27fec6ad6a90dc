-- Who lives where, who answers for whom, and what hangs on the wall.
-- Columns ending in _sealed are encrypted (AES-256-GCM, key id in front); *_hash columns are keyed hashes to look things up by.

create table grid_cell (
  grid_cell_id text primary key,
  community    text not null,
  name         text not null,
  time_zone    text not null default 'Asia/Shanghai'
);

create table home (
  home_id        text primary key,
  grid_cell_id   text not null references grid_cell,
  -- What a responder needs to find the door, e.g. 3号楼2单元502; no names here.
  label          text not null,
  resident_sealed bytea,
  address_sealed  bytea,
  notes_sealed    bytea,
  language       text not null default 'zh' check (language in ('zh', 'en')),
  time_zone      text not null default 'Asia/Shanghai',
  -- Overrides of the rules' and the escalation's defaults, validated by their schemas before they come here.
  settings       jsonb not null default '{}',
  settings_version bigint not null default 1,
  test_mode_until timestamptz,
  created_at     timestamptz not null default now()
);
create index home_by_cell on home (grid_cell_id);

create table contact (
  home_id      text not null references home,
  contact_id   text not null,
  name_sealed  bytea not null,
  role         text not null check (role in ('family-keyholder', 'family', 'neighbour', 'property-manager')),
  phone_sealed bytea not null,
  phone_hash   bytea not null,
  language     text not null default 'zh' check (language in ('zh', 'en')),
  -- Order within the role: the lower is told first.
  position     integer not null default 0,
  created_at   timestamptz not null default now(),
  removed_at   timestamptz,
  primary key (home_id, contact_id)
);
create index contact_by_phone on contact (phone_hash);

create table app_user (
  user_id       text primary key,
  login         text not null unique,
  password_hash text not null,
  role          text not null check (role in ('admin', 'coordinator', 'social-worker', 'family', 'resident', 'installer', 'auditor')),
  name          text not null,
  phone_sealed  bytea,
  phone_hash    bytea,
  language      text not null default 'zh' check (language in ('zh', 'en')),
  on_call       boolean not null default false,
  disabled_at   timestamptz,
  created_at    timestamptz not null default now()
);
create index app_user_by_phone on app_user (phone_hash);

-- Which homes a family member or resident sees; contact_id ties the person who signs in to the person who is phoned.
create table home_member (
  home_id    text not null references home,
  user_id    text not null references app_user,
  contact_id text,
  primary key (home_id, user_id),
  foreign key (home_id, contact_id) references contact (home_id, contact_id)
);
create index home_member_by_user on home_member (user_id);

-- Which cells a social worker, coordinator or installer works in.
create table cell_member (
  grid_cell_id text not null references grid_cell,
  user_id      text not null references app_user,
  primary key (grid_cell_id, user_id)
);
create index cell_member_by_user on cell_member (user_id);

create table device (
  home_id    text not null references home,
  device_id  text not null,
  kind       text not null,
  room       text,
  gateway_id text,
  created_at timestamptz not null default now(),
  retired_at timestamptz,
  primary key (home_id, device_id),
  foreign key (home_id, gateway_id) references device (home_id, device_id)
);

-- A device's or gateway's login at the broker. The secret is long, random and ours, so a keyed hash is right for it.
create table device_account (
  account     text primary key,
  home_id     text not null,
  device_id   text not null,
  secret_hash bytea not null,
  -- Counts its sessions on all ingests together: a last will counts only where no later session began.
  session     bigint not null default 0,
  created_at  timestamptz not null default now(),
  revoked_at  timestamptz,
  foreign key (home_id, device_id) references device (home_id, device_id)
);
create index device_account_by_device on device_account (home_id, device_id);

create table app_session (
  session_hash bytea primary key,
  user_id      text not null references app_user,
  created_at   timestamptz not null default now(),
  expires_at   timestamptz not null
);
create index app_session_by_expiry on app_session (expires_at);

-- The one-time link with which a new installation makes its first administrator.
create table setup_link (
  token_hash bytea primary key,
  expires_at timestamptz not null,
  used_at    timestamptz
);

create table audit (
  audit_id bigint generated always as identity primary key,
  xid      xid8 not null default pg_current_xact_id(),
  at       timestamptz not null default clock_timestamp(),
  -- user:<id>, contact:<id>, platform, or anonymous
  actor    text not null,
  action   text not null,
  home_id  text,
  subject  text,
  detail   jsonb not null default '{}'
);
create index audit_by_home on audit (home_id, audit_id);

create function refuse_change() returns trigger language plpgsql as $$
begin
  raise exception '% is append-only', tg_table_name using errcode = 'restrict_violation';
end $$;
create trigger audit_append_only before update or delete or truncate on audit
  for each statement execute function refuse_change();
