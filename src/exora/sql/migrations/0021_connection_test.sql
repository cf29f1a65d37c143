-- A job type of its own for `exora test connection`: no worker serves it, so its round trip disturbs nobody.
insert into exora.job_types (job_type, default_lane, max_retries) values ('connection_test', 'connection_test', 3)
on conflict do nothing;
insert into exora.lanes (lane, job_type) values ('connection_test', 'connection_test') on conflict do nothing;

-- And one that every worker serves, so that a promotion sees a job go all the way: it answers with the worker's version.
insert into exora.job_types (job_type, default_lane, max_retries) values ('canary', 'canary', 3) on conflict do nothing;
insert into exora.lanes (lane, job_type) values ('canary', 'canary') on conflict do nothing;
