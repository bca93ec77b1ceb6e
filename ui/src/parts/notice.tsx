/** A line at the foot of the page that says what was done, and takes it back. */
import { X } from "lucide-react";
import { createContext, useCallback, useContext, useEffect, useState, type ReactNode } from "react";
import { isTyping } from "../lib/typing";
import { text } from "../text";
import { Button } from "./base";

export interface Notice {
  text: string;
  tone?: "plain" | "bad";
  undo?: () => void;
}

const NoticeContext = createContext<(notice: Notice) => void>(() => undefined);

export const useNotice = () => useContext(NoticeContext);

const shownFor = 8000;

export function NoticeProvider({ children }: { children: ReactNode }) {
  const [notice, setNotice] = useState<Notice | null>(null);
  const show = useCallback((next: Notice) => setNotice({ ...next }), []);
  useEffect(() => {
    if (!notice || notice.tone === "bad") return;
    const timer = setTimeout(() => setNotice(null), shownFor);
    return () => clearTimeout(timer);
  }, [notice]);
  // "u" takes back what was just done, wherever one is.
  useEffect(() => {
    const undo = notice?.undo;
    if (!undo) return;
    const press = (event: KeyboardEvent) => {
      if (event.key !== "u" || isTyping(event.target) || event.metaKey || event.ctrlKey || event.altKey) return;
      event.preventDefault();
      setNotice(null);
      undo();
    };
    document.addEventListener("keydown", press);
    return () => document.removeEventListener("keydown", press);
  }, [notice]);
  return (
    <NoticeContext value={show}>
      {children}
      <div role="status" aria-live="polite" className="pointer-events-none fixed inset-x-0 bottom-4 z-50 flex justify-center px-4">
        {notice && (
          <div className={`pointer-events-auto flex max-w-xl items-center gap-3 rounded-[10px] border px-4 py-2 shadow-xl ${notice.tone === "bad" ? "border-bad bg-bad-soft" : "border-line bg-raised"}`}>
            <span className="[overflow-wrap:anywhere]">{notice.text}</span>
            {notice.undo && (
              <Button small look="plain" aria-keyshortcuts="u" onClick={() => { setNotice(null); notice.undo?.(); }}>
                {text.tagged.undo}
              </Button>
            )}
            <button type="button" aria-label={text.tagged.dismiss} onClick={() => setNotice(null)} className="text-muted hover:text-ink">
              <X aria-hidden className="size-4" />
            </button>
          </div>
        )}
      </div>
    </NoticeContext>
  );
}
