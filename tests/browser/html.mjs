// The HTML standard's rules, read from the bytes that were sent and not from what a browser made of them.
import { HtmlValidate, StaticConfigLoader } from 'html-validate';

const validator = new HtmlValidate(
  new StaticConfigLoader({
    root: true,
    extends: ['html-validate:standard', 'html-validate:document', 'html-validate:a11y'],
    rules: {
      // A box that scrolls is a group with a name: a section of its own would be one landmark too many on the page.
      'prefer-native-element': 'off',
      // Style and script come from the page's own host, under names made of their content.
      'require-sri': 'off',
      // Only before the first data, only without a script: there is no other way to wait.
      'meta-refresh': 'off',
    },
  }),
);

// What is wrong with a document, a sentence each.
export async function htmlProblems(text, path) {
  const { results } = await validator.validateString(text, path);
  return results.flatMap(({ messages }) =>
    messages.map(({ ruleId, message, line, column }) => {
      const at = (text.split('\n')[line - 1] ?? '').slice(Math.max(0, column - 40), column + 60);
      return `${ruleId} in line ${line}: ${message}: …${at}…`;
    }),
  );
}
