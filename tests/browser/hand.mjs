// The hand of a reader: counts what a task takes. Where a link or a button is folded, opening the fold is a click, too.
const MOST_FOLDS = 5;

export class Hand {
  clicks = 0;
  fields = 0;

  constructor(page) {
    this.page = page;
  }

  async #click(locator) {
    await locator.click();
    this.clicks += 1;
  }

  async click(locator) {
    const folds = locator.locator('xpath=ancestor::details[not(@open)]');
    for (let opened = 0; opened < MOST_FOLDS && (await folds.count()) > 0; opened += 1)
      await this.#click(folds.first().locator(':scope > summary'));
    await this.#click(locator);
  }

  async fill(locator, text) {
    await locator.fill(text);
    this.fields += 1;
  }

  // Enter submits a form and counts as a click.
  async submit() {
    await this.page.keyboard.press('Enter');
    this.clicks += 1;
  }
}
