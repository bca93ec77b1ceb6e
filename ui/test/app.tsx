/** The whole app over the fake server, signed in as one of its people. */
import { createMemoryHistory } from "@tanstack/react-router";
import { act, fireEvent, render, screen, type ByRoleOptions } from "@testing-library/react";
import { FakeServer } from "../fake/server";
import { App } from "../src/App";

export const customers = "bigquery/halden-energy.raw.customers";
export const report = "bigquery/halden-energy.reporting.customer_contacts";
export const payments = "bigquery/halden-energy.raw.payments";

export function openApp(path: string, person: string | null, server = new FakeServer(), fetchWith?: typeof fetch) {
  const history = createMemoryHistory({ initialEntries: [path] });
  render(<App fetch={fetchWith ?? server.fetchAs(person)} history={history} />);
  return { server, history };
}

const slow = { timeout: 5000 };

export const findRole = (role: string, options?: ByRoleOptions) => screen.findByRole(role, options, slow);
export const findText = (text: string | RegExp) => screen.findByText(text, {}, slow);

/** The first that fits, once there is one. */
export async function first(role: string, name: string | RegExp): Promise<HTMLElement> {
  const [element] = await screen.findAllByRole(role, { name }, slow);
  return element!;
}

export async function click(role: string, name: string | RegExp): Promise<void> {
  const element = await first(role, name);
  await act(async () => {
    // Radix opens on pointer events, everything else on click.
    fireEvent.pointerDown(element, { button: 0, pointerType: "mouse" });
    fireEvent.click(element);
  });
}

export async function fill(role: string, name: string | RegExp, value: string): Promise<void> {
  const element = await first(role, name);
  await act(async () => void fireEvent.change(element, { target: { value } }));
}

export async function press(key: string, on: Element = document.body, more: object = {}): Promise<void> {
  await act(async () => void fireEvent.keyDown(on, { key, ...more }));
}
