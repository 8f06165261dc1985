// Signing in: by the QR code, which opens this page with its token, or by pasting it.

import { useState } from "preact/hooks";

import { readTokenOfHash } from "../session";
import type { Desk } from "./desk";
import { w } from "./words";

export function SignIn({ desk }: { desk: Desk }) {
  const [text, setText] = useState("");
  return (
    <form
      class="sign-in"
      onSubmit={(event) => {
        event.preventDefault();
        // Who pastes the whole address of the code means its token.
        const token = readTokenOfHash(text.slice(Math.max(0, text.indexOf("#")))) ?? text.trim();
        if (token !== "") void desk.signIn(token);
      }}
    >
      <h2>{w("sign_in.title")}</h2>
      {desk.tokenRefused.value && <p class="notice is-bad" role="alert">{w("sign_in.refused")}</p>}
      <p>{w("sign_in.how")}</p>
      <label class="pick">
        <span>{w("sign_in.paste")}</span>
        <input
          type="password"
          name="token"
          autocomplete="current-password"
          required
          value={text}
          onInput={(event) => setText(event.currentTarget.value)}
        />
      </label>
      <button type="submit" class="button is-strong">
        {w("sign_in.submit")}
      </button>
    </form>
  );
}
