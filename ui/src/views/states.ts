import type { Tone } from "../parts/base";

/** The states of a plan and their tone; the words are the API's own. */
export const stateTones: Record<string, Tone> = { planned: "info", approved: "accent", applying: "warn", applied: "ok", stale: "bad", stopped: "bad", undone: "plain" };

/** Whether a plan in this state still moves by itself. */
export const isMoving = (state: string): boolean => state === "applying";
