// Where services stand on the map: in columns by how far a request has come, few edges crossing each other.
const SWEEPS = 6;

// `edges`: [{from, to}], from null is outside. Returns {columns: [[name]], place: Map(name -> [column, row]), back: Set(edge),
// via: Map(edge -> [passage])}: what passes columns by has a place of its own in each, which is in columns and place too.
export function arrange(edges) {
  const names = [...new Set([null, ...edges.flatMap(({ from, to }) => [from, to])])];
  const out = Map.groupBy(edges, (edge) => edge.from);
  const back = backEdges(names, out);
  const column = columnsOf(names, edges.filter((edge) => !back.has(edge)));
  const columns = [];
  for (const name of names) (columns[column.get(name)] ??= []).push(name);
  const via = new Map();
  const forward = [];
  for (const edge of edges) {
    if (back.has(edge) || edge.from === edge.to) continue;
    const passages = [];
    for (let between = column.get(edge.from) + 1; between < column.get(edge.to); between += 1) {
      const passage = { edge };
      columns[between].push(passage);
      passages.push(passage);
    }
    via.set(edge, passages);
    const stops = [edge.from, ...passages, edge.to];
    for (let stop = 1; stop < stops.length; stop += 1) forward.push({ from: stops[stop - 1], to: stops[stop] });
  }
  for (let sweep = 0; sweep < SWEEPS; sweep += 1) {
    const place = placed(columns);
    const sides = sweep % 2 ? Map.groupBy(forward, (edge) => edge.from) : Map.groupBy(forward, (edge) => edge.to);
    const end = sweep % 2 ? "to" : "from";
    columns.forEach((own) => {
      const middle = new Map(own.map((name) => [name, mean((sides.get(name) ?? []).map((edge) => relative(columns, place.get(edge[end]))), relative(columns, place.get(name)))]));
      own.sort((a, b) => middle.get(a) - middle.get(b));
    });
  }
  return { columns, place: placed(columns), back, via };
}

const mean = (values, otherwise) => (values.length ? values.reduce((a, b) => a + b, 0) / values.length : otherwise);
const relative = (columns, [column, row]) => (row + 0.5) / columns[column].length;
const placed = (columns) => new Map(columns.flatMap((own, column) => own.map((name, row) => [name, [column, row]])));

// Edges that lead back to a service that the request is in already; without recursion.
function backEdges(names, out) {
  const back = new Set();
  const state = new Map(); // 1: the request is in it, 2: it has left it
  for (const start of names) {
    if (state.has(start)) continue;
    state.set(start, 1);
    const stack = [{ name: start, left: [...(out.get(start) ?? [])] }];
    while (stack.length) {
      const top = stack.at(-1);
      const edge = top.left.shift();
      if (!edge) {
        state.set(top.name, 2);
        stack.pop();
      } else if (state.get(edge.to) === 1) {
        back.add(edge);
      } else if (!state.has(edge.to)) {
        state.set(edge.to, 1);
        stack.push({ name: edge.to, left: [...(out.get(edge.to) ?? [])] });
      }
    }
  }
  return back;
}

// The longest way to each service: callers stand left of those that they call.
function columnsOf(names, edges) {
  const column = new Map(names.map((name) => [name, name === null ? 0 : 1]));
  const waiting = new Map(names.map((name) => [name, 0]));
  for (const { to } of edges) waiting.set(to, waiting.get(to) + 1);
  const out = Map.groupBy(edges, (edge) => edge.from);
  const ready = names.filter((name) => !waiting.get(name));
  for (const name of ready) {
    for (const { to } of out.get(name) ?? []) {
      column.set(to, Math.max(column.get(to), column.get(name) + 1));
      waiting.set(to, waiting.get(to) - 1);
      if (!waiting.get(to)) ready.push(to);
    }
  }
  return column;
}
