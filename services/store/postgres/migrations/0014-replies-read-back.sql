-- Up to when every reply was read back from the provider. The newest reply that was pushed says nothing of those before it.
create table reply_read_back (
  only_row   boolean primary key default true check (only_row),
  read_until timestamptz not null
);
