// Hands the authorization response to the window that waits for it, if it is of the right origin.
"use strict";

{
  const answer = document.getElementById("response");
  const response = Object.fromEntries(Array.from(answer.children, (field) => [field.dataset.name, field.value]));
  const { origin } = new URL(answer.dataset.targetOrigin); // throws at "*", which would be everyone
  const client = window.opener || window.parent;
  if (client !== window) {
    client.postMessage({ type: "authorization_response", response }, origin);
  }
}
