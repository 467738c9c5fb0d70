// Where things stand: Pods in columns by who made whom, Channels in the last one. Pure: the same data, the same picture.

export const NODE = { width: 216, height: 48 };
const GAP = { x: 132, y: 20 };

/** @returns {{width, height, nodes: Map<string, {x, y, kind, data}>}} x, y: the middle of the left side. */
export function layout({ pods, channels, members }) {
  const byKey = new Map(pods.map((pod) => [pod.key, pod]));
  const columns = [];
  const rows = new Map();
  let row = 0;

  for (const pod of pods) if (!byKey.has(pod.parent)) place(pod, 0);

  function place(pod, depth) {
    if (rows.has(pod.key)) return;
    const children = pods.filter((each) => each.parent === pod.key);
    (columns[depth] ??= []).push(pod);
    rows.set(pod.key, row); // for a circle, which cannot be
    const first = row;
    for (const child of children) place(child, depth + 1);
    if (!children.length) row += 1;
    rows.set(pod.key, children.length ? (first + row - 1) / 2 : first);
  }

  const nodes = new Map();
  const step = NODE.height + GAP.y;
  columns.forEach((column, depth) => {
    for (const pod of column) nodes.set(`pod:${pod.key}`, { kind: "pod", data: pod, x: depth * (NODE.width + GAP.x), y: rows.get(pod.key) * step });
  });
  const x = columns.length * (NODE.width + GAP.x);
  spread(channels.map((channel) => [channel, wish(channel)]), step).forEach(([channel, y]) => {
    nodes.set(`channel:${channel.key}`, { kind: "channel", data: channel, x, y });
  });

  function wish(channel) {
    const of = members.filter((each) => each.channel === channel.key && rows.has(each.pod));
    return of.length ? (of.reduce((sum, each) => sum + rows.get(each.pod), 0) / of.length) * step : Infinity;
  }

  const all = [...nodes.values()];
  const top = Math.min(0, ...all.map((node) => node.y));
  for (const node of all) node.y += NODE.height / 2 - top;
  const height = Math.max(NODE.height, ...all.map((node) => node.y + NODE.height / 2));
  const width = channels.length ? x + NODE.width : Math.max(x - GAP.x, NODE.width);
  return { width, height, nodes };
}

/** Near where each wants to be, in that order, never on one another; the unbound ones follow. */
function spread(wishes, step) {
  let free = -Infinity;
  return wishes
    .sort(([, a], [, b]) => a - b)
    .map(([channel, y]) => {
      const start = Number.isFinite(free) ? free : 0;
      const at = Number.isFinite(y) ? Math.max(y, free) : start;
      free = at + step;
      return [channel, at];
    });
}
