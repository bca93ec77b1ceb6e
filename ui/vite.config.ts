import tailwind from "@tailwindcss/vite";
import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";
import { fakeServer } from "./fake/plugin.ts";

// `--mode fake` serves a made-up company instead of a running program.
export default defineConfig(({ mode }) => ({
  plugins: [react(), tailwind(), ...(mode === "fake" ? [fakeServer()] : [])],
  server: { port: 5173, proxy: mode === "fake" ? undefined : { "/graphql": "http://127.0.0.1:8080", "/auth": "http://127.0.0.1:8080", "/audit/": "http://127.0.0.1:8080" } },
  build: { target: "es2022", modulePreload: { polyfill: false }, assetsInlineLimit: 0, reportCompressedSize: false },
  test: { environment: "happy-dom", setupFiles: ["test/setup.ts"], testTimeout: 20_000, include: ["test/**/*.test.{ts,tsx}"], globals: false, maxWorkers: 1, restoreMocks: true },
}));
