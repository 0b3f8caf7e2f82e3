// Failures, in the server's words, with the place in the query where it did not parse.
import { html } from "./preact.js";

export function Failure({ error, query = "" }) {
  const caret = error.position !== null && error.position !== undefined;
  return html`
    <div class="failure" role="alert">
      ${caret &&
      html`<pre class="caret" aria-hidden="true">${query.replace(/\s/g, " ")}${"\n"}${" ".repeat(Math.min(error.position, query.length))}<b>^</b></pre>`}
      <p><strong>${error.message}</strong>${caret ? html` <span class="muted">at character ${error.position + 1}</span>` : ""}</p>
      ${error.hint && html`<p class="muted">${error.hint}</p>`}
    </div>
  `;
}
