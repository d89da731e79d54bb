// Counts checks; prints only failures and the totals.
export class Report {
  passed = 0;
  failures = [];

  // One check: `problems` (a list of sentences) is empty if it passed.
  check(where, what, problems) {
    const list = [problems].flat().filter(Boolean);
    if (list.length === 0) {
      this.passed += 1;
      return true;
    }
    this.failures.push(`${where}: ${what}`);
    console.log(`FAIL ${where}: ${what}`);
    for (const problem of list.slice(0, 8)) console.log(`     ${problem}`);
    if (list.length > 8) console.log(`     and ${list.length - 8} more`);
    return false;
  }

  // The line with the result; always the last one printed.
  close() {
    console.log(`${this.passed} passed, ${this.failures.length} failed`);
    return this.failures.length === 0 && this.passed > 0;
  }
}
