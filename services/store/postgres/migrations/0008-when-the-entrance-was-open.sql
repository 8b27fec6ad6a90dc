-- Until when homes could be heard, null until an entrance was open for the first time. Time in which none is open is not
-- their silence: it is recorded as a forward clock_jump, and supervision goes on after it where it stood.
create table entrance_watch (
  only_row    boolean primary key default true check (only_row),
  heard_until timestamptz,
  gap_ms      bigint not null default 0
);
insert into entrance_watch default values;
alter table clock_jump add column cause text not null default 'clock' check (cause in ('clock', 'entrance-closed'));
