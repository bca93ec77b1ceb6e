/**
 * Serves the fake API and a sign-in page from Vite's development and preview
 * servers, with the headers that the real program sends.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Connect, Plugin } from "vite";
import { people } from "./company.ts";
import { FakeServer } from "./server.ts";

const policy = "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; worker-src 'self' blob:; frame-ancestors 'none'; base-uri 'none'; form-action 'self'";

async function read(request: IncomingMessage): Promise<string> {
  let text = "";
  for await (const chunk of request) text += String(chunk);
  return text;
}

function signedIn(request: IncomingMessage) {
  const id = /(?:^|; )fake=([^;]+)/.exec(request.headers.cookie ?? "")?.[1];
  return people.find((p) => p.id === decodeURIComponent(id ?? "")) ?? null;
}

function signInPage(back: string): string {
  const forms = people.map((p) => `<p><a role="button" href="/auth/callback?who=${encodeURIComponent(p.id)}&return=${encodeURIComponent(back)}">${p.name}</a></p>`).join("");
  return `<!doctype html><html lang="en"><meta charset="utf-8"><link rel="icon" href="data:,"><title>Demo sign-in</title><h1>Demo sign-in</h1>${forms}</html>`;
}

function handler(server: FakeServer): Connect.NextHandleFunction {
  return (request: IncomingMessage, response: ServerResponse, next: () => void) => {
    const url = new URL(request.url ?? "/", "http://fake");
    const redirect = (to: string, cookie?: string) => {
      response.writeHead(302, { Location: to, ...(cookie ? { "Set-Cookie": cookie } : {}) }).end();
    };
    switch (`${request.method} ${url.pathname}`) {
      case "POST /graphql":
        void read(request).then((text) => server.answer(JSON.parse(text), signedIn(request))).then(({ status, body }) => {
          response.writeHead(status, { "Content-Type": "application/json" }).end(JSON.stringify(body));
        });
        return;
      case "GET /auth/login":
        response.writeHead(200, { "Content-Type": "text/html" }).end(signInPage(url.searchParams.get("return") ?? "/"));
        return;
      case "GET /auth/callback":
        redirect(url.searchParams.get("return") ?? "/", `fake=${encodeURIComponent(url.searchParams.get("who") ?? "")}; Path=/`);
        return;
      case "POST /auth/logout":
        response.writeHead(204, { "Set-Cookie": "fake=; Path=/; Max-Age=0" }).end();
        return;
      default:
        next();
    }
  };
}

export function fakeServer(): Plugin {
  const server = new FakeServer();
  return {
    name: "cadastre-fake-server",
    configureServer: (vite) => void vite.middlewares.use(handler(server)),
    configurePreviewServer: (vite) => {
      vite.middlewares.use((_request, response, next) => {
        response.setHeader("Content-Security-Policy", policy);
        next();
      });
      vite.middlewares.use(handler(server));
    },
  };
}
