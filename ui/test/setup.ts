/** What a browser has and the tests' page has not: sizes of elements. */
import { cleanup } from "@testing-library/react";
import { afterEach } from "vitest";

for (const [name, size] of Object.entries({ offsetHeight: 800, clientHeight: 800, offsetWidth: 1200, clientWidth: 1200 })) {
  Object.defineProperty(HTMLElement.prototype, name, { configurable: true, get: () => size });
}

afterEach(() => {
  cleanup();
  localStorage.clear();
});

const sized = { x: 0, y: 0, top: 0, left: 0, bottom: 800, right: 1200, width: 1200, height: 800 };
HTMLElement.prototype.getBoundingClientRect = () => ({ ...sized, toJSON: () => sized });
