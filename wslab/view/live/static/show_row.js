/** Chooses a row in the wire view of this page; returns whether the row is visible there. @param {number} number */
export function showRow(number) {
  /** @type {HTMLElement | null} */
  const row = document.querySelector(`[data-wslab="wire-view"] [data-wslab-row="${number}"]`);
  if (!row) return false;
  row.click();
  row.closest('[data-wslab="wire-view"]').scrollIntoView({ block: "center" });
  return true;
}
