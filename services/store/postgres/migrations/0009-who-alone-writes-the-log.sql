-- The entrance that alone writes the log, if any: it may hand what it committed to the rules of its own process, for nobody
-- else's row can come before. Null: anybody may write, and nobody hands over. Each append locks the row in share mode and
-- looks at it, and whoever changes it waits for all of them: so no append goes by what was true before (log-writer.ts).
create table log_writer (
  singleton boolean primary key default true check (singleton),
  sole      text
);
insert into log_writer default values;
