// Dark or light: as the system has it, until the visitor says otherwise.

const KEY = "theme";
const dark = matchMedia("(prefers-color-scheme: dark)");

/** Follow the system, and let a button switch; the choice is kept where the browser allows that. */
export function followTheme(button) {
  const show = () => (document.documentElement.dataset.theme = chosen() ?? (dark.matches ? "dark" : "light"));
  dark.addEventListener("change", show);
  button.addEventListener("click", () => {
    keep(document.documentElement.dataset.theme === "dark" ? "light" : "dark");
    show();
  });
  show();
}

let remembered = null;

function chosen() {
  try {
    return localStorage.getItem(KEY) ?? remembered;
  } catch {
    return remembered;
  }
}

function keep(theme) {
  remembered = theme;
  try {
    localStorage.setItem(KEY, theme);
  } catch {
    // Storage is refused: the choice holds for this page.
  }
}
