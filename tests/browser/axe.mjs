// Accessibility checks with axe-core: all rules, including best practices.
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

// The violations of an open page, one sentence each. The page's own policy does not apply to the debugger.
export async function violations(page) {
  await page.evaluate(SOURCE);
  return page.evaluate(judge);
}
