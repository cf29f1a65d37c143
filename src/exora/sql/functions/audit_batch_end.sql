-- exora.audit_batch_end: where a batch of p_limit events after (p_xid, p_id) ends, looking no further than
-- transaction p_last. cut: there may be more. Looks at ever more transactions at a time: sorting all that has piled
-- up behind a long transaction in order to take its first few would make catching up quadratic.
create or replace function exora.audit_batch_end(p_floor bigint, p_xid bigint, p_id bigint, p_last bigint, p_limit int)
returns table (xid bigint, id bigint, cut boolean)
language plpgsql stable security definer set search_path = '' set enable_seqscan = off as $$
#variable_conflict use_column
declare
  v_step bigint := 64;
  v_upto bigint;
begin
  loop
    v_upto := case when p_last - p_xid <= v_step then p_last else p_xid + v_step end;
    return query
    select e.xid, e.id, true from exora.audit_events e
     where e.xid between p_xid and v_upto and (e.xid, e.id) > (p_xid, p_id) and e.id >= p_floor
     order by e.xid, e.id offset p_limit - 1 limit 1;
    exit when found;
    if v_upto = p_last then
      return query select p_last, 9223372036854775807, false;
      exit;
    end if;
    v_step := case when v_step < 1::bigint << 40 then v_step * 4 else 9223372036854775807 end;
  end loop;
end $$;
