// Posts the form of the page. A second post, by an impatient click, would spend the code again.
"use strict";

{
  const form = document.querySelector("form");
  HTMLFormElement.prototype.submit.call(form); // a field may be named "submit"
  form.querySelector("button").disabled = true;
}
