// Lines as they come, by server-sent events. What the server had to drop is counted and shown.
import { apiUrl } from "./api.js";
import { useEffect, useState } from "./preact.js";

export const LIVE_LINES_MAX = 500;
const NOTHING = { events: [], dropped: 0, trouble: null };

export function useLive(on, query) {
  const [state, setState] = useState(NOTHING);
  useEffect(() => {
    setState(NOTHING);
    if (!on) return undefined;
    const source = new EventSource(apiUrl("/events/stream", { query }));
    let waiting = [];
    // Many lines may come at once; they are drawn together.
    const draw = () => {
      if (!waiting.length) return;
      const newest = waiting.reverse();
      waiting = [];
      setState((old) => ({ ...old, trouble: null, events: [...newest, ...old.events].slice(0, LIVE_LINES_MAX) }));
    };
    const timer = setInterval(draw, 200);
    source.addEventListener("event", (message) => {
      waiting.push(JSON.parse(message.data));
      if (waiting.length > LIVE_LINES_MAX) waiting.shift();
    });
    source.addEventListener("dropped", (message) => {
      const { count } = JSON.parse(message.data);
      setState((old) => ({ ...old, dropped: old.dropped + count }));
    });
    source.addEventListener("error", () => {
      const trouble = source.readyState === EventSource.CLOSED ? "This server cannot follow new lines." : "Connecting again…";
      setState((old) => ({ ...old, trouble }));
    });
    source.addEventListener("open", () => setState((old) => ({ ...old, trouble: null })));
    return () => {
      clearInterval(timer);
      source.close();
    };
  }, [on, query]);
  return state;
}
