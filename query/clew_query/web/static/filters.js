// Putting conditions into a query, in its own language.

const escaped = (name) => name.replace(/[^\w.@]/g, (character) => `\\${character}`);

export function condition(field, value) {
  const text = String(value ?? "null");
  const quoted = /^[A-Za-z][\w.]*$/.test(text) && !/^(AND|OR|NOT|TO)$/.test(text) ? text : `"${text.replace(/["\\]/g, "\\$&")}"`;
  return `${escaped(field)}:${quoted}`;
}

// A query with OR in it must be taken as a whole before anything is added.
export function narrowed(query, added) {
  const trimmed = query.trim();
  if (!trimmed) return added;
  return `${/\bOR\b/.test(trimmed) ? `(${trimmed})` : trimmed} ${added}`;
}

const parts = (query) => query.match(/(?:"(?:\\.|[^"])*"|\\.|[^\s"])+/g) ?? [];

export const has = (query, added) => parts(query).includes(added);
export const without = (query, added) => parts(query).filter((part) => part !== added).join(" ");
