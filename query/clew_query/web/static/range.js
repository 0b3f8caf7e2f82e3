// The range of time: a few usual ones, or any two times as the API reads them.
import { html, useEffect, useRef, useState } from "./preact.js";
import { moment } from "./time.js";

const USUAL = [
  ["now-5m", "Last 5 minutes"],
  ["now-15m", "Last 15 minutes"],
  ["now-1h", "Last hour"],
  ["now-6h", "Last 6 hours"],
  ["now-1d", "Last 24 hours"],
  ["now-7d", "Last 7 days"],
  ["", "All time"],
];

const shown = (text) => (/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d/.test(text) ? moment(text.padEnd(23)).trim().replace(/\.000Z?$|Z$/, "") : text);

export function describe(from, to) {
  if (!to) {
    const usual = USUAL.find(([value]) => value === (from ?? ""));
    if (usual) return usual[1];
  }
  return `${from ? shown(from) : "the beginning"} – ${to ? shown(to) : "now"}`;
}

export function TimeRange({ from = "", to = "", onChange }) {
  const [own, setOwn] = useState({ from, to });
  const box = useRef(null);
  useEffect(() => setOwn({ from, to }), [from, to]);
  useEffect(() => {
    const outside = (event) => {
      if (!box.current?.contains(event.target)) box.current?.removeAttribute("open");
    };
    document.addEventListener("pointerdown", outside);
    return () => document.removeEventListener("pointerdown", outside);
  }, []);
  const choose = (range) => {
    box.current.removeAttribute("open");
    box.current.querySelector("summary").focus();
    onChange(range);
  };
  const typed = (name) => (event) => setOwn({ ...own, [name]: event.target.value });
  return html`
    <details
      class="range"
      ref=${box}
      onKeyDown=${(event) => event.key === "Escape" && (box.current.removeAttribute("open"), box.current.querySelector("summary").focus())}
    >
      <summary class="button" aria-label="Range of time">${describe(from, to)}</summary>
      <div class="popover">
        ${USUAL.map(
          ([value, name]) => html`<button
            type="button"
            class="choice"
            aria-pressed=${!to && from === value ? "true" : "false"}
            onClick=${() => choose({ from: value, to: "" })}
          >
            ${name}
          </button>`,
        )}
        <form
          onSubmit=${(event) => {
            event.preventDefault();
            choose(own);
          }}
        >
          <label>From <input value=${own.from} onInput=${typed("from")} placeholder="2026-11-24T08:00:00Z or now-2h" /></label>
          <label>To <input value=${own.to} onInput=${typed("to")} placeholder="now" /></label>
          <button class="button" type="submit">Apply</button>
        </form>
      </div>
    </details>
  `;
}
