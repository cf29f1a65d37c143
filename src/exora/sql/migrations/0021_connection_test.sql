-- A job type of its own for `exora test connection`: no worker serves it, so its round trip disturbs nobody.
insert into exora.job_types (job_type, default_lane, max_retries) values ('connection_test', 'connection_test', 3)
on conflict do nothing;
insert into exora.lanes (lane, job_type) values ('connection_test', 'connection_test') on conflict do nothing;
