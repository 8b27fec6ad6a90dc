-- The escalation's sweep looks for what waits: all that is urgent, and then the longest waiting of what is only technical.
-- Of that a power cut in a city leaves a hundred thousand rows for a while, which the look for the urgent must not read.
create index incident_input_urgent on incident_input (created_at)
  where applied_at is null and (body #>> '{signal,kind}' = 'technical'
    and coalesce(body #>> '{signal,severity}', 'technical') = 'technical') is not true;
create index incident_input_technical on incident_input (created_at)
  where applied_at is null and (body #>> '{signal,kind}' = 'technical'
    and coalesce(body #>> '{signal,severity}', 'technical') = 'technical') is true;
