-- Tables that only grow, made before log-partitions.ts and history-partitions.ts said the same of them: what is done to them
-- for their growth is done with each million of rows, and each time they have doubled.
do $$
declare part record;
begin
  -- A vacuum against wraparound gives way to nobody, and no start may wait for one: such a table is left as it is.
  set local lock_timeout = '2s';
  for part in
    select inhrelid::regclass as name,
           case inhparent when 'reading'::regclass
             then 'autovacuum_vacuum_insert_threshold = 1000000, autovacuum_vacuum_insert_scale_factor = 0, '
               || 'autovacuum_analyze_scale_factor = 1'
             else 'autovacuum_analyze_scale_factor = 1' end as options
    from pg_inherits where inhparent in ('reading'::regclass, 'observation_log'::regclass)
  loop
    begin
      execute format('alter table %s set (%s)', part.name, part.options);
    exception when lock_not_available or undefined_table or syntax_error then
      raise notice '% keeps its settings', part.name;
    end;
  end loop;
end $$;
