// The bar over every list: a query, a range of time; "/" leads there.
import { html, useEffect, useRef, useState } from "./preact.js";
import { TimeRange } from "./range.js";

export function SearchBar({ asked, go, placeholder, children }) {
  const [text, setText] = useState(asked.query);
  const input = useRef(null);
  useEffect(() => setText(asked.query), [asked.query]);
  useEffect(() => {
    input.current.focus();
    const slash = (event) => {
      if (event.key !== "/" || /^(INPUT|TEXTAREA|SELECT)$/.test(event.target.tagName)) return;
      event.preventDefault();
      input.current.select();
    };
    addEventListener("keydown", slash);
    return () => removeEventListener("keydown", slash);
  }, []);
  return html`
    <form
      class="bar"
      role="search"
      onSubmit=${(event) => {
        event.preventDefault();
        go({ query: text });
      }}
    >
      <input
        ref=${input}
        type="search"
        class="query"
        aria-label="Query"
        placeholder=${placeholder}
        spellcheck=${false}
        autocomplete="off"
        autocapitalize="off"
        value=${text}
        onInput=${(event) => setText(event.target.value)}
      />
      <${TimeRange} from=${asked.from} to=${asked.to} onChange=${go} />
      ${children}
      <button type="submit" class="button strong">Search</button>
    </form>
  `;
}
