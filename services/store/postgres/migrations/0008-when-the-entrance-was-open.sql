-- When some entrance was last open, null until the first has been. While none is, homes cannot be heard, which is not their
-- silence: that time is recorded as a forward clock_jump, and supervision goes on after it where it stood.
create table entrance_watch (
  only_row        boolean primary key default true check (only_row),
  open_at         timestamptz,
  open_before_at  timestamptz
);
insert into entrance_watch default values;
