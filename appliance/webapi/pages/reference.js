"use strict";

// Each form is one message: send what is filled in, and show what the box answers below it.
document.addEventListener("submit", async (event) => {
  event.preventDefault();
  const form = event.target;
  const shown = form.querySelector("output");
  const values = new URLSearchParams({ type: form.dataset.type });
  for (const [name, value] of new FormData(form)) {
    if (value !== "") {
      values.append(name, value);
    }
  }
  const asked = `POST ${form.getAttribute("action")}\n${values}\n\n`;
  shown.hidden = false;
  shown.textContent = asked;
  try {
    const answer = await fetch(form.getAttribute("action"), { method: "POST", body: values });
    const head = `HTTP ${answer.status} ${answer.headers.get("content-type") || ""}\n`;
    if ((answer.headers.get("content-type") || "").startsWith("text/")) {
      shown.textContent = asked + head + (await answer.text());
    } else {
      const file = await answer.blob();
      shown.textContent = `${asked}${head}${file.size} bytes`;
    }
  } catch (error) {
    shown.textContent = `${asked}no answer: ${error.message}`;
  }
});
