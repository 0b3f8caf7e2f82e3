// A transaction: what it is called, how long it took, who took part, and the waterfall of its invocations.
import { useAnswer } from "./api.js";
import { Around, Shares } from "./around.js";
import { Failure } from "./notice.js";
import { layOut } from "./path.js";
import { html, useEffect, useMemo, useState } from "./preact.js";
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
  const [raw, setRaw] = useState(false);
  const laid = useMemo(() => layOut(data, raw), [data, raw]);
  const errors = data.invocations.reduce((sum, invocation) => sum + invocation.errors, 0);
  const heard = data.invocations.filter((invocation) => !invocation.placeholder);
  const services = new Set(heard.map((invocation) => invocation.service));
  return html`
    <section class="head">
      <h1><span class="muted">Transaction</span> <code>${data.transaction_id}</code></h1>
      ${data.aliases.length > 0 &&
      html`<p class="aliases"><span class="muted">also</span> ${data.aliases.map((alias) => html`<code key=${alias}>${alias}</code> `)}</p>`}
      <dl class="facts">
        <${Fact} name="Duration">${duration(laid.total)}<//>
        <${Fact} name="Began">${laid.begin ? moment(laid.begin) : "–"}<//>
        <${Fact} name="Services">${services.size}<//>
        <${Fact} name="Invocations">${heard.length.toLocaleString("en")}<//>
        <${Fact} name="Lines">${data.total.toLocaleString("en")}<//>
        <${Fact} name="Errors" bad=${errors > 0}>${errors.toLocaleString("en")}<//>
      </dl>
      ${data.truncated &&
      html`<p class="warning">Only the first ${data.returned.toLocaleString("en")} of ${data.total.toLocaleString("en")} lines are looked at here.</p>`}
      <${Shares} services=${data.services} />
      <${Around} data=${data} raw=${raw} onRaw=${() => setRaw(!raw)} />
    </section>
    <${Waterfall} laid=${laid} />
  `;
}

function Fact({ name, bad = false, children }) {
  return html`<div class=${bad ? "bad" : ""}><dt>${name}</dt><dd>${children}</dd></div>`;
}
