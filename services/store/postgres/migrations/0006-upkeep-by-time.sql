-- What is too old is looked for each hour. B-trees and not BRIN: room that was deleted is filled with new rows, and a block
-- range of BRIN that once held an old row goes on looking old, so after the days kept it would sort out nothing.
create index log_rejection_by_time on log_rejection (received_at);
-- Everything here goes by its age alone.
create index home_input_by_time on home_input (now) where body ->> 'type' <> 'facts';
-- Facts go home by home, for the newest of those too old is what the kept days build on.
create index home_input_facts on home_input (home_id, version) where body ->> 'type' = 'facts';
