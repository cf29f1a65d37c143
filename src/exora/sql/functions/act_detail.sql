-- exora.act_detail: the detail of an audit event for an operator's act: who says to do it and why, beside what else is given.
-- Both are codes (a name, a ticket, words joined by hyphens), never sentences: a sentence could name a patient.
create or replace function exora.act_detail(p_by text, p_why text, p_more jsonb default null)
returns jsonb language plpgsql stable security definer set search_path = '' as $$
begin
  if p_by !~ '^[A-Za-z0-9_.@:+-]{1,64}$' then
    perform exora.refuse('PT400', 'who acts must be a name of up to 64 of the characters A-Z a-z 0-9 _ . @ : + -', 'p_by',
                         'Use a user name');
  end if;
  if p_why !~ '^[A-Za-z0-9_.:/+-]{1,100}$' then
    perform exora.refuse('PT400', 'why must be a code of up to 100 of the characters A-Z a-z 0-9 _ . : / + -', 'p_why',
                         'Use a ticket number or a few words joined by hyphens; never name a patient');
  end if;
  return nullif(jsonb_strip_nulls(coalesce(p_more, '{}') || jsonb_build_object('by', p_by, 'why', p_why)), '{}'::jsonb);
end $$;
