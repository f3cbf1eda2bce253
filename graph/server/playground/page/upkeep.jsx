// What GraphiQL leaves to its viewer: to read the schema again with a key that was entered, to look for the active tab.
import { pick, tryParseJSONC, useGraphiQL, useGraphiQLActions } from "@graphiql/react";
import { useEffect, useRef } from "react";

const TYPING_MS = 600;

/** Headers that say something, as they are sent; null while they are half written. */
function headersOf(text) {
  try {
    const headers = tryParseJSONC(text);
    return headers && Object.keys(headers).length ? JSON.stringify(headers) : null;
  } catch {
    return null;
  }
}

export function Upkeep({ onHeaders }) {
  const { introspect } = useGraphiQLActions();
  const { headerEditor, activeTabIndex, tabs } = useGraphiQL(pick("headerEditor", "activeTabIndex", "tabs"));
  const asked = useRef(null);

  useEffect(() => {
    if (!headerEditor) return;
    let timer;
    const ask = () => {
      const headers = headersOf(headerEditor.getValue());
      if (headers === null || headers === asked.current) return;
      asked.current = headers;
      onHeaders();
      introspect(); // does nothing where `onHeaders` has it done
    };
    const listening = headerEditor.onDidChangeModelContent(() => {
      clearTimeout(timer);
      timer = setTimeout(ask, TYPING_MS);
    });
    return () => {
      clearTimeout(timer);
      listening.dispose();
    };
  }, [headerEditor, introspect, onHeaders]);

  useEffect(() => {
    document.querySelector(".graphiql-tab-active")?.scrollIntoView({ block: "nearest", inline: "nearest" });
  }, [activeTabIndex, tabs.length]);

  return null;
}
