// Accessibility by axe-core: every rule it has, the best practices included.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const SOURCE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

// Runs inside the page.
async function judge() {
  const { violations } = await window.axe.run(document, { resultTypes: ['violations'] });
  return violations.flatMap(({ id, impact, help, nodes }) =>
    nodes.slice(0, 4).map((node) => `${id} (${impact}): ${help}; at ${node.target.join(' ')}: ${node.html.slice(0, 160)}`),
  );
}

// The violations of a page that is open, a sentence each. The page's own policy does not hold for the debugger.
export async function violations(page) {
  await page.evaluate(SOURCE);
  return page.evaluate(judge);
}
