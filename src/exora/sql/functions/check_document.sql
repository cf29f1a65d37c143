-- exora.check_document: refuse what cannot be a stored document, naming the field; no error quotes where it lies.
create or replace function exora.check_document(p_storage_path text, p_sha256 text, p_size_bytes bigint, p_media_type text)
returns void language plpgsql immutable security definer set search_path = '' as $$
begin
  if p_storage_path is null then
    perform exora.refuse('PT400', 'there is no document without a path', 'p_storage_path', 'Give the path in the storage');
  end if;
  if p_sha256 is null or p_sha256 !~ '^[0-9a-f]{64}$' then
    perform exora.refuse('PT400', 'the checksum must be 64 hexadecimal digits in small letters', 'p_sha256',
                         'Send the sha256 of the bytes');
  end if;
  if p_size_bytes is null or p_size_bytes < 0 then
    perform exora.refuse('PT400', 'the size must be a number of bytes', 'p_size_bytes', 'Send the length of the file');
  end if;
  if p_media_type is null then
    perform exora.refuse('PT400', 'there is no document without a media type', 'p_media_type', 'Send its type, such as application/pdf');
  end if;
end $$;
