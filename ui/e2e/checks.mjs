// Counting what holds and what does not; one failure does not hide the next.
export class Checks {
  passed = 0;
  failed = 0;

  /** Runs one check; what it throws is why it failed. */
  async that(name, check) {
    try {
      await check();
      this.passed += 1;
      console.log(`  ok      ${name}`);
      return true;
    } catch (error) {
      this.failed += 1;
      console.log(`  FAILED  ${name}: ${String(error.message ?? error).split("\n").slice(0, 6).join("\n          ")}`);
      return false;
    }
  }

  summary() {
    return `${this.passed} passed, ${this.failed} failed`;
  }
}

export function equal(got, want, what) {
  if (got !== want) throw new Error(`${what}: got ${JSON.stringify(got)}, want ${JSON.stringify(want)}`);
}
