// A reader with Python finds the data: three lines for the endpoints, a history and the tier list, at the top of /api.

const WANTED = ['/api/v1/endpoints.csv', '/history.csv', '/api/v1/tiers.csv'];

export async function checkStart(report, context, base) {
  const page = await context.newPage();
  await page.goto(`${base}/api`);
  const samples = await page.locator('section[aria-labelledby=start] pre').allTextContents();
  const code = samples.map((sample) => sample.trim());
  report.check('/api', 'begins with three lines of Python for three questions', [
    code.length !== 3 && `${code.length} samples`,
    ...code.filter((sample) => sample.split('\n').length !== 3).map((sample) => `not three lines: ${sample}`),
    ...WANTED.filter((path) => !code.some((sample) => sample.includes(path))).map((path) => `nothing reads ${path}`),
  ]);
  const problems = [];
  for (const sample of code) {
    const address = sample.match(/read_csv\("([^"]+)"/)?.[1];
    // The address of this server, not an example of one.
    if (!address?.startsWith(`${base}/`)) {
      problems.push(`does not read from ${base}: ${sample}`);
      continue;
    }
    const answer = await page.request.get(address);
    const lines = (await answer.text()).trim().split('\n');
    if (!answer.ok() || lines.length < 2) problems.push(`${address}: ${answer.status()}, ${lines.length} lines`);
  }
  report.check('/api', 'has samples that read rows from this server', problems);
  const answers = await page.locator('article details pre').allTextContents();
  report.check('/api', 'shows real answers', !answers.some((text) => text.includes('"as_of": "2')) && 'no answer has a time');
  await page.close();
}
