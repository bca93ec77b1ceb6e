/** Light, dark, or as the system has it; kept in this browser alone. */

export const themes = ["system", "light", "dark"] as const;
export type Theme = (typeof themes)[number];

const key = "cadastre.theme";

export function currentTheme(): Theme {
  return themes.find((t) => t === document.documentElement.dataset["theme"]) ?? "system";
}

export function setTheme(theme: Theme): void {
  if (theme === "system") delete document.documentElement.dataset["theme"];
  else document.documentElement.dataset["theme"] = theme;
  localStorage.setItem(key, theme);
}

export function restoreTheme(): void {
  const kept = themes.find((t) => t === localStorage.getItem(key));
  if (kept) setTheme(kept);
}
