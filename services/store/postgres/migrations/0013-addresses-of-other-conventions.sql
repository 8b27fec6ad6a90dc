-- How a device speaks that does not speak natively, and where in its topics its own part begins. Two homes, and two gateways
-- of a home, may have the same ones: a topic means what is placed behind the account that published it.
alter table device add column convention text, add column address text;
alter table device add constraint device_address_of_convention check ((convention is null) = (address is null));
create unique index device_by_address on device (home_id, (coalesce(gateway_id, device_id)), address)
  where retired_at is null and address is not null;

drop trigger device_moves_home_facts on device;
create trigger device_moves_home_facts
  after insert or delete or update of kind, room, gateway_id, convention, address, retired_at on device
  for each row execute function device_moves_home_facts();
