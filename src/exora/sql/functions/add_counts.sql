-- exora.add_counts: two histograms of the same bounds added up; an empty one counts as zeros.
create or replace function exora.add_counts(p_left bigint[], p_right bigint[])
returns bigint[] language sql immutable security definer set search_path = '' as $$
  select coalesce(array_agg(coalesce(u.l, 0) + coalesce(u.r, 0) order by u.n), '{}')
    from unnest(p_left, p_right) with ordinality as u (l, r, n)
$$;
