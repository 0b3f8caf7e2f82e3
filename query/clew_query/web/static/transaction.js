// A transaction: what it is called, how long it took, who took part, and the waterfall of its invocations.
import { useAnswer } from "./api.js";
import { Failure } from "./notice.js";
import { layOut } from "./path.js";
import { html, useEffect, useMemo } from "./preact.js";
import { duration, moment } from "./time.js";
import { Waterfall } from "./waterfall.js";

export function TransactionPage({ id }) {
  const { data, error, loading } = useAnswer(`/transactions/${encodeURIComponent(id)}`, {});
  useEffect(() => {
    document.title = `${id.slice(0, 12)} · Clew`;
  }, [id]);
  return html`
    <main class="transaction">
      ${error && html`<${Failure} error=${error} />`} ${!data && loading && html`<p class="muted quiet">Following the thread…</p>`}
      ${data && html`<${Transaction} data=${data} />`}
    </main>
  `;
}

function Transaction({ data }) {
  const laid = useMemo(() => layOut(data), [data]);
  const errors = data.invocations.reduce((sum, invocation) => sum + invocation.errors, 0);
  const services = new Set(data.invocations.map((invocation) => invocation.service));
  return html`
    <section class="head">
      <h1><span class="muted">Transaction</span> <code>${data.transaction_id}</code></h1>
      ${data.aliases.length > 0 &&
      html`<p class="aliases"><span class="muted">also</span> ${data.aliases.map((alias) => html`<code key=${alias}>${alias}</code> `)}</p>`}
      <dl class="facts">
        <${Fact} name="Duration">${duration(laid.total)}<//>
        <${Fact} name="Began">${laid.begin ? moment(laid.begin) : "–"}<//>
        <${Fact} name="Services">${services.size}<//>
        <${Fact} name="Invocations">${data.invocations.length.toLocaleString("en")}<//>
        <${Fact} name="Lines">${data.total.toLocaleString("en")}<//>
        <${Fact} name="Errors" bad=${errors > 0}>${errors.toLocaleString("en")}<//>
      </dl>
      ${data.truncated &&
      html`<p class="warning">Only the first ${data.returned.toLocaleString("en")} of ${data.total.toLocaleString("en")} lines are looked at here.</p>`}
      ${data.gaps.map(
        (gap) => html`<p class="warning">Lines are missing of ${gap.source} on ${gap.host}, ${gap.start} to ${gap.end}: ${gap.reason}</p>`,
      )}
    </section>
    <${Waterfall} laid=${laid} />
  `;
}

function Fact({ name, bad = false, children }) {
  return html`<div class=${bad ? "bad" : ""}><dt>${name}</dt><dd>${children}</dd></div>`;
}
