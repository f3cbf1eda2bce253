// What the Node servers have in common: the schema, and fetch towards the vendors.
import { readFileSync } from 'node:fs';

export const VENDOR_URL = process.env.VENDOR_URL;
export const typeDefs = readFileSync(new URL('schema.graphql', import.meta.url), 'utf8');

// An object is sent as JSON, a text as a form.
export function encoded(body, headers) {
  if (typeof body === 'string') return { body, headers: { 'content-type': 'application/x-www-form-urlencoded', ...headers } };
  return { body: JSON.stringify(body), headers: { 'content-type': 'application/json', ...headers } };
}

export async function postByFetch(path, body, headers) {
  const response = await fetch(`${VENDOR_URL}${path}`, { method: 'POST', ...encoded(body, headers) });
  if (!response.ok) throw new Error(`${path}: status ${response.status}`);
  return response.json();
}
