// undici's own pool towards the vendors, which is faster than fetch.
import { Pool } from 'undici';
import { encoded, VENDOR_URL } from './clients.mjs';

export function createUndiciPost() {
  const pool = new Pool(VENDOR_URL, { connections: 64 });
  return async (path, body, headers) => {
    const { statusCode, body: answer } = await pool.request({ method: 'POST', path, ...encoded(body, headers) });
    if (statusCode !== 200) throw new Error(`${path}: status ${statusCode}`);
    return answer.json();
  };
}
