// Keys that do what buttons do.

/** Keys that work wherever the focus is, unless that takes them itself. */
export function onKeys(actions) {
  addEventListener("keydown", (event) => {
    const action = actions[event.key.toLowerCase()];
    const typing = event.target.closest("select, input:not([type=range], [type=radio])");
    const pressing = event.key === " " && event.target.closest("button, input");
    if (!action || typing || pressing || event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
    event.preventDefault();
    action();
  });
}
