-- A commit with a NOTIFY in it holds one lock of the whole cluster until it is on disk, so all of them would stand in one
-- line, an fsync each. Whoever writes changes tells it afterwards, in a transaction that writes nothing (changes-announce.ts).
drop trigger change_notify on change;
drop function notify_change();
