-- Tables that rows are only ever added to, made before log-partitions.ts and history-partitions.ts said the same of them.
do $$
declare part record;
begin
  -- A vacuum against wraparound gives way to nobody, and no start may wait for one: such a table is left as it is.
  set local lock_timeout = '2s';
  for part in
    select inhrelid::regclass as name,
           case inhparent when 'reading'::regclass then 'autovacuum_freeze_min_age = 0'
                          else 'autovacuum_vacuum_insert_threshold = -1' end as option
    from pg_inherits where inhparent in ('reading'::regclass, 'observation_log'::regclass)
  loop
    begin
      execute format('alter table %s set (%s)', part.name, part.option);
    exception when lock_not_available then
      raise notice '% keeps its settings', part.name;
    end;
  end loop;
end $$;
