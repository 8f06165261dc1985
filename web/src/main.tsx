// Where the page starts: signed in, or asking for a token.

import { effect } from "@preact/signals";
import { render } from "preact";
import { useEffect, useMemo, useState } from "preact/hooks";

import { startLanguage, t } from "./language";
import { followPlace } from "./place";
import { Page } from "./page";
import { forgetToken, keepToken, takeToken } from "./session";
import { SignIn } from "./sign-in";
import { Site } from "./site";

function Root({ start }: { start: string | null }) {
  const [token, setToken] = useState(start);
  const [refused, setRefused] = useState(false);
  const leave = (because: "refused" | "asked"): void => {
    forgetToken();
    setRefused(because === "refused");
    setToken(null);
  };
  const site = useMemo(() => (token === null ? null : new Site(token, () => leave("refused"))), [token]);
  useEffect(() => {
    site?.start();
    return () => site?.close();
  }, [site]);
  if (site === null) {
    const enter = (given: string): void => {
      keepToken(given);
      setRefused(false);
      setToken(given);
    };
    return <SignIn refused={refused} onToken={enter} />;
  }
  return <Page site={site} onSignOut={() => leave("asked")} />;
}

startLanguage();
followPlace();
effect(() => {
  document.title = t("app.name");
});
const frame = document.getElementById("page");
if (frame) render(<Root start={takeToken()} />, frame);
