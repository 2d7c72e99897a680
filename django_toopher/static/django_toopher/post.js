// Posts fields by a form, as a person would: the browser goes where the answer leads.

export function post(form, fields) {
  for (const [name, value] of Object.entries(fields)) {
    const input = document.createElement("input");
    input.type = "hidden";
    input.name = name;
    input.value = value;
    form.prepend(input); // the form's own fields stay the last, which count
  }
  HTMLFormElement.prototype.submit.call(form); // a field may be named "submit"
}
