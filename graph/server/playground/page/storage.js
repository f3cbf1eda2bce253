// What a browser keeps until the next visit: tabs, the history, how the page looks. No headers.
const OURS = "graphiql:";
// shouldPersistHeaders does not reach the history, which has them beside each query.
const HISTORY = new Set([`${OURS}queries`, `${OURS}favorites`]);

const ours = () => Object.keys(localStorage).filter((key) => key.startsWith(OURS));
const withoutHeaders = (queries) => JSON.stringify(JSON.parse(queries), (key, it) => (key === "headers" ? undefined : it));

export const storage = {
  getItem: (key) => localStorage.getItem(key),
  setItem: (key, value) => localStorage.setItem(key, HISTORY.has(key) ? withoutHeaders(value) : value),
  removeItem: (key) => localStorage.removeItem(key),
  clear: () => ours().forEach((key) => localStorage.removeItem(key)),
  get length() {
    return ours().length;
  },
};
