// The button prints the page; without JavaScript it is not there, and the browser's menu does the same.
const button = document.getElementById("toopher_print");
button.hidden = false;
button.addEventListener("click", () => window.print());
