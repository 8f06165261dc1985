// Signing in by token.

import { useState } from "preact/hooks";

import { t } from "./language";
import { LanguageButton } from "./page";

export function SignIn({ refused, onToken }: { refused: boolean; onToken: (token: string) => void }) {
  const [token, setToken] = useState("");
  return (
    <main class="sign-in">
      <form
        class="sign-in-form"
        onSubmit={(event) => {
          event.preventDefault();
          if (token.trim() !== "") onToken(token.trim());
        }}
      >
        <h1 class="brand">{t("app.name")}</h1>
        <label class="sign-in-label">
          {t("sign_in.token")}
          <input
            class="field"
            type="password"
            name="token"
            autocomplete="current-password"
            autofocus
            required
            value={token}
            aria-describedby="sign-in-hint"
            aria-invalid={refused}
            onInput={(event) => setToken(event.currentTarget.value)}
          />
        </label>
        {refused && (
          <p class="refusal" role="alert">
            {t("sign_in.refused")}
          </p>
        )}
        <button type="submit" class="button is-confirm">
          {t("sign_in.submit")}
        </button>
        <p id="sign-in-hint" class="muted">
          {t("sign_in.hint")}
        </p>
        <LanguageButton />
      </form>
    </main>
  );
}
