// The HTTP API: answers as plain data, failures as ApiError with the server's own words.
import { useEffect, useState } from "./preact.js";

export class ApiError extends Error {
  constructor(status, { message, hint = "", position = null }) {
    super(message);
    Object.assign(this, { status, hint, position });
  }
}

export function apiUrl(path, parameters = {}) {
  const given = Object.entries(parameters).filter(([, value]) => value !== undefined && value !== null && value !== "");
  const search = new URLSearchParams(given).toString();
  return `/api/v1${path}${search ? `?${search}` : ""}`;
}

export async function ask(path, parameters, signal) {
  let response;
  try {
    response = await fetch(apiUrl(path, parameters), { signal, headers: { Accept: "application/json" } });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new ApiError(0, { message: "the server does not answer", hint: "is it still running?" });
  }
  const text = await response.text();
  let data = null;
  try {
    data = JSON.parse(text);
  } catch {
    throw new ApiError(response.status, { message: `the server answered ${response.status}, and not in JSON` });
  }
  if (!response.ok) throw new ApiError(response.status, data.error ?? { message: `the server answered ${response.status}` });
  return data;
}

// The last answer stays while the next one is on its way, so that nothing jumps.
export function useAnswer(path, parameters, again = 0) {
  const key = path && apiUrl(path, parameters);
  const [state, setState] = useState({ data: null, error: null, loading: true, key: null });
  useEffect(() => {
    if (!key) return undefined;
    const abort = new AbortController();
    setState((old) => ({ ...old, loading: true }));
    ask(path, parameters, abort.signal).then(
      (data) => setState({ data, error: null, loading: false, key }),
      (error) => error.name === "AbortError" || setState({ data: null, error, loading: false, key }),
    );
    return () => abort.abort();
  }, [key, again]);
  return state;
}
