/** What a browser has and the tests' page has not: sizes of elements. */
import { cleanup } from "@testing-library/react";
import { afterEach } from "vitest";

Object.defineProperty(HTMLElement.prototype, "offsetHeight", { configurable: true, get: () => 800 });
Object.defineProperty(HTMLElement.prototype, "offsetWidth", { configurable: true, get: () => 1200 });

afterEach(() => {
  cleanup();
  localStorage.clear();
});
