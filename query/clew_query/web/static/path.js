// A transaction's answer, laid out for drawing: rows in the order of the tree, times as shares of the whole.
import { nanoseconds } from "./time.js";

// Depth first, callees in order of time, without recursion: a path may be thousands of calls deep.
// `raw`: times as the hosts wrote them; else by the reference clock, as far as clocks are known to be wrong.
export function layOut(transaction, raw = false) {
  const invocations = new Map(transaction.invocations.map((invocation) => [invocation.id, invocation]));
  const events = Map.groupBy(transaction.events, (event) => event.invocation);
  const critical = Map.groupBy(transaction.critical_path, (section) => section.invocation);
  const links = Map.groupBy(transaction.links, (link) => link.invocation);
  const callees = Map.groupBy(transaction.calls, (call) => call.parent);
  const startOf = (invocation) => nanoseconds(raw ? invocation.raw_start : invocation.start);
  const endOf = (invocation) => nanoseconds(raw ? invocation.raw_end : invocation.end);
  let [begin, end, first] = [null, null, null];
  for (const invocation of transaction.invocations) {
    const [start, stop] = [startOf(invocation), endOf(invocation)];
    if (begin === null || start < begin) [begin, first] = [start, raw ? invocation.raw_start : invocation.start];
    if (end === null || stop > end) end = stop;
  }
  begin ??= 0n;
  const total = Number((end ?? 0n) - begin);
  const rows = [];
  const pending = (callees.get(null) ?? []).toReversed().map((call) => ({ call, depth: 0 }));
  while (pending.length) {
    const { call, depth } = pending.pop();
    const invocation = invocations.get(call.child);
    const [start, stop] = [startOf(invocation), endOf(invocation)];
    // What turns the time of one of its lines into its place here.
    const zero = begin + (raw ? 0n : nanoseconds(invocation.raw_start) - start);
    rows.push({
      call,
      depth,
      invocation,
      from: Number(start - begin),
      to: Number(stop - begin),
      events: events.get(invocation.id) ?? [],
      links: links.get(invocation.id) ?? [],
      since: (text) => Number(nanoseconds(text) - zero),
      critical: raw
        ? []
        : (critical.get(invocation.id) ?? []).map((section) => [section.start, section.end].map((text) => Number(nanoseconds(text) - begin))),
    });
    for (const below of (callees.get(call.child) ?? []).toReversed()) pending.push({ call: below, depth: depth + 1 });
  }
  return { rows, total, begin: first };
}
