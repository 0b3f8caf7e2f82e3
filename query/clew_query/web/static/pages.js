// Long answers, page by page.
import { ask, useAnswer } from "./api.js";
import { html, useState } from "./preact.js";

const PAGE = 100;

// The pages that were asked for so far. A new question begins anew; the old lines stay until it is answered.
// `name`: under which the answers have their rows.
export function usePages(path, name, asked, again) {
  const first = useAnswer(path, { ...asked, limit: PAGE }, again);
  const [more, setMore] = useState({ of: null, rows: [], cursor: null, loading: false, error: null });
  const mine = more.of === first.data ? more : { of: first.data, rows: [], cursor: first.data?.cursor, loading: false, error: null };
  const load = async () => {
    setMore({ ...mine, loading: true });
    try {
      const page = await ask(path, { ...asked, limit: PAGE, cursor: mine.cursor });
      setMore({ ...mine, rows: [...mine.rows, ...page[name]], cursor: page.cursor, loading: false, error: null });
    } catch (error) {
      setMore({ ...mine, loading: false, error });
    }
  };
  return {
    rows: first.data ? [...first.data[name], ...mine.rows] : null,
    total: first.data?.total,
    cursor: mine.cursor,
    error: first.error ?? mine.error,
    loading: first.loading,
    loadingMore: mine.loading,
    load,
  };
}

export function More({ found }) {
  if (!found.cursor) return "";
  return html`<p class="more">
    <button type="button" class="button" onClick=${found.load} disabled=${found.loadingMore}>
      Load more <span class="muted">${found.rows.length.toLocaleString("en")} of ${found.total.toLocaleString("en")}</span>
    </button>
  </p>`;
}
