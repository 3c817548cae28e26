// A picture of the figures: for each panel a bar for each server.
const WIDTH = 720;
const LEFT = 190;
const BAR = 18;
const COLOURS = { ours: "#2a6f97", peer: "#c8553d", memory: "#d9a441", ceiling: "#9a9a9a" };

const escaped = (text) => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");

// panels: [{ title, bars: [{ name, kind, value, label }] }]
export const chart = (panels) => {
  let y = 34;
  const drawn = panels.map(({ title, bars }) => {
    const most = Math.max(...bars.map((bar) => bar.value));
    const lines = [`<text x="16" y="${y}" font-weight="bold">${escaped(title)}</text>`];
    y += 12;
    for (const { name, kind, value, label } of bars) {
      const width = Math.max((value / most) * (WIDTH - LEFT - 110), 1);
      lines.push(
        `<text x="${LEFT - 8}" y="${y + 13}" text-anchor="end">${escaped(name)}</text>`,
        `<rect x="${LEFT}" y="${y}" width="${width.toFixed(1)}" height="${BAR - 4}" fill="${COLOURS[kind]}"/>`,
        `<text x="${(LEFT + width + 6).toFixed(1)}" y="${y + 12}">${escaped(label)}</text>`,
      );
      y += BAR;
    }
    y += 26;
    return lines.join("\n");
  });
  const key = [["ours", "Hongyan"], ["peer", "keeps on disk"], ["memory", "keeps nothing"], ["ceiling", "ceiling: only the bytes"]].map(
    ([kind, name], nth) =>
      `<rect x="${16 + nth * 150}" y="${y - 9}" width="10" height="10" fill="${COLOURS[kind]}"/><text x="${32 + nth * 150}" y="${y}">${name}</text>`,
  );
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${y + 16}" font-family="sans-serif" font-size="12">
<rect width="100%" height="100%" fill="white"/>
${[...drawn, ...key].join("\n")}
</svg>
`;
};
