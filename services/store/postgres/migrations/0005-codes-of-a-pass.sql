-- What each pass went by when it chose new codes: by person, the codes on their phone in the last 72 h, oldest first. They
-- change with nearly every message and stood in the facts before, which so were kept anew for each pass. Null: none chosen.
alter table escalation_pass add column used_codes jsonb;
