// Where we are is the URL, all of it: a link to what one sees is the address bar.
import { useEffect, useState } from "./preact.js";

const CHANGED = "clew:location";

export function href(path, parameters = {}) {
  const given = Object.entries(parameters).filter(([, value]) => value !== undefined && value !== null && value !== "");
  const search = new URLSearchParams(given).toString();
  return search ? `${path}?${search}` : path;
}

export const transactionHref = (id) => `/t/${encodeURIComponent(id)}`;

export function navigate(target, { replace = false } = {}) {
  history[replace ? "replaceState" : "pushState"](null, "", target);
  dispatchEvent(new Event(CHANGED));
}

function current() {
  return { path: location.pathname, parameters: Object.fromEntries(new URLSearchParams(location.search)) };
}

export function useLocation() {
  const [where, setWhere] = useState(current);
  useEffect(() => {
    const changed = () => setWhere(current());
    // Links inside the page change what is shown without loading it again; with a modifier they open elsewhere.
    const clicked = (event) => {
      const link = event.target.closest?.("a[href^='/']");
      if (!link || event.defaultPrevented || event.button || event.metaKey || event.ctrlKey || event.shiftKey) return;
      if (link.target || link.hasAttribute("data-plain")) return;
      event.preventDefault();
      navigate(link.getAttribute("href"));
      scrollTo(0, 0);
    };
    addEventListener("popstate", changed);
    addEventListener(CHANGED, changed);
    document.addEventListener("click", clicked);
    return () => {
      removeEventListener("popstate", changed);
      removeEventListener(CHANGED, changed);
      document.removeEventListener("click", clicked);
    };
  }, []);
  return where;
}
