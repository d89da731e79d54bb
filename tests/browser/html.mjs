// Validates HTML from the bytes that were sent, not from what a browser made of them.
import { HtmlValidate, StaticConfigLoader } from 'html-validate';

const validator = new HtmlValidate(
  new StaticConfigLoader({
    root: true,
    extends: ['html-validate:standard', 'html-validate:document', 'html-validate:a11y'],
    rules: {
      // A scrollable box is a named group: a section would add an unnecessary landmark to the page.
      'prefer-native-element': 'off',
      // Style sheet and script come from the page's own host, and their names contain a content hash.
      'require-sri': 'off',
      // Only before the first data and only without JavaScript: there is no other way to wait.
      'meta-refresh': 'off',
    },
  }),
);

// The problems of a document, one sentence each.
export async function htmlProblems(text, path) {
  const { results } = await validator.validateString(text, path);
  return results.flatMap(({ messages }) =>
    messages.map(({ ruleId, message, line, column }) => {
      const at = (text.split('\n')[line - 1] ?? '').slice(Math.max(0, column - 40), column + 60);
      return `${ruleId} in line ${line}: ${message}: …${at}…`;
    }),
  );
}
