/** The calm page for who is not signed in; signing in leads back here. */
import { LogIn } from "lucide-react";
import { text } from "../text";

export function SignIn() {
  const back = window.location.pathname + window.location.search;
  return (
    <main className="mx-auto flex min-h-dvh max-w-md flex-col justify-center gap-4 px-6">
      <img src="/mark.svg" alt="" className="size-12" />
      <h1 className="text-2xl font-semibold tracking-tight">{text.signIn.title}</h1>
      <p className="text-muted">{text.signIn.lead}</p>
      <p>
        <a href={`/auth/login?return=${encodeURIComponent(back)}`} className="inline-flex items-center gap-2 rounded-[7px] bg-accent px-4 py-2 font-medium text-accent-ink hover:opacity-90">
          <LogIn aria-hidden className="size-4" />
          {text.signIn.button}
        </a>
      </p>
      {back !== "/" && <p className="text-[0.9rem] text-muted">{text.signIn.back}</p>}
    </main>
  );
}
