/** The two views as tabs. The arrow keys, Home and End switch between the tabs. */

const KEPT = "fastnet:view";

/**
 * Set the tabs up.
 * @param {HTMLElement[]} tabs Buttons with the role "tab"; `aria-controls` names the panel.
 * @param {(view: string) => void} onShow Called with "draw" or "train" when the view is shown.
 * @returns {(view: string) => void} Shows a view.
 */
export function setUpTabs(tabs, onShow) {
  const viewOf = (tab) => tab.id.replace("tab-", "");

  const show = (view) => {
    for (const tab of tabs) {
      const chosen = viewOf(tab) === view;
      tab.setAttribute("aria-selected", String(chosen));
      tab.tabIndex = chosen ? 0 : -1;
      document.getElementById(tab.getAttribute("aria-controls")).hidden = !chosen;
    }
    document.body.dataset.view = view;
    sessionStorage.setItem(KEPT, view);
    onShow(view);
  };

  for (const [i, tab] of tabs.entries()) {
    tab.addEventListener("click", () => show(viewOf(tab)));
    tab.addEventListener("keydown", (event) => {
      const n = tabs.length;
      const target = { ArrowRight: (i + 1) % n, ArrowLeft: (i + n - 1) % n, Home: 0, End: n - 1 }[event.key];
      if (target === undefined) return;
      event.preventDefault();
      show(viewOf(tabs[target]));
      tabs[target].focus();
    });
  }
  show(sessionStorage.getItem(KEPT) ?? viewOf(tabs[0]));
  return show;
}
