// A transaction's answer, laid out for drawing: rows in the order of the tree, times as shares of the whole.
import { nanoseconds } from "./time.js";

// Depth first, callees in order of time, without recursion: a path may be thousands of calls deep.
export function layOut(transaction) {
  const invocations = new Map(transaction.invocations.map((invocation) => [invocation.id, invocation]));
  const events = Map.groupBy(transaction.events, (event) => event.invocation);
  const critical = Map.groupBy(transaction.critical_path, (section) => section.invocation);
  const callees = Map.groupBy(transaction.calls, (call) => call.parent);
  const times = transaction.invocations.flatMap(({ start, end }) => [nanoseconds(start), nanoseconds(end)]);
  const begin = times.reduce((a, b) => (b < a ? b : a), times[0] ?? 0n);
  const end = times.reduce((a, b) => (b > a ? b : a), times[0] ?? 0n);
  const total = Number(end - begin);
  const since = (text) => Number(nanoseconds(text) - begin);
  const rows = [];
  const pending = (callees.get(null) ?? []).toReversed().map((call) => ({ call, depth: 0 }));
  while (pending.length) {
    const { call, depth } = pending.pop();
    const invocation = invocations.get(call.child);
    rows.push({
      call,
      depth,
      invocation,
      from: since(invocation.start),
      to: since(invocation.end),
      events: events.get(invocation.id) ?? [],
      critical: (critical.get(invocation.id) ?? []).map((section) => [since(section.start), since(section.end)]),
    });
    for (const below of (callees.get(call.child) ?? []).toReversed()) pending.push({ call: below, depth: depth + 1 });
  }
  return { rows, total, since, begin: times.length ? transaction.invocations.find(({ start }) => nanoseconds(start) === begin).start : null };
}
